"""A case as JSON: it comes back as it was, and what is no case is told by the field."""

import json
import re
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
from pages import ROOT

from refimpl.oracle import child, judge
from refimpl.oracle.adapters import exec as programs
from refimpl.oracle.adapters import handed
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.encoding import (
    FIXED,
    BareWord,
    decoded,
    decoded_array,
    decoded_result,
    encoded,
    encoded_array,
    encoded_result,
    parsed,
    shown,
)
from refimpl.oracle.explain import explained
from refimpl.oracle.operation import Case
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import packed

PAGE = (ROOT / "derivations" / "protocol.md").read_text(encoding="utf-8")


def through_json(operation, case, model):
    return json.loads(json.dumps(encoded(operation, case, model), allow_nan=False))


@pytest.mark.parametrize("name", operations())
def test_every_case_comes_back_as_it_was(name):
    operation = operations()[name]
    for case in cases_of(name):
        for model in operation.models:
            document = through_json(operation, case, model)
            again, other, same_model = decoded(document)
            assert (again, same_model, other.id, other.finite) == (operation, model, case.id, case.finite)
            assert through_json(again, other, model) == document
            assert set(case.inputs) == set(other.inputs) and set(case.networks) == set(other.networks)
            for argument, given in case.inputs.items():
                back = other.inputs[argument]
                assert type(back) is type(given)
                if not isinstance(given, list):  # networks, of which the documents were equal
                    assert back == given if hasattr(given, "drift") else np.array_equal(back, given)


@pytest.mark.parametrize("model", ["score", "energy", "log_density"])
@pytest.mark.parametrize("name", ["explicit_score_matching", "implicit_score_matching"])
def test_what_came_back_gives_what_was_right_to_the_last_bit(name, model):
    operation = operations()[name]
    for case in cases_of(name)[:5]:
        _, other, _ = decoded(through_json(operation, case, model))
        results = [numpy_adapter.reference(operation.reference, operation, c, model) for c in (case, other)]
        assert all(np.array_equal(left, right) for left, right in zip(*results, strict=True))


# an array -> its JSON
ARRAYS = [
    (np.array([[1.0, -0.5], [0.1, 1e300]]), [[1.0, -0.5], [0.1, 1e300]]),
    (np.array([np.nan, np.inf, -np.inf]), ["NaN", "Infinity", "-Infinity"]),
    (np.array(0.625), {"shape": [], "dtype": "float64", "values": [0.625]}),
    (np.zeros((0, 3)), {"shape": [0, 3], "dtype": "float64", "values": []}),
    (np.zeros((3, 0)), {"shape": [3, 0], "dtype": "float64", "values": []}),
    (np.array([0.1], dtype=np.float32), {"shape": [1], "dtype": "float32", "values": [0.10000000149011612]}),
]


@pytest.mark.parametrize(("array", "document"), ARRAYS, ids=range(len(ARRAYS)))
def test_an_array_keeps_its_shape_its_precision_and_what_is_not_finite(array, document):
    assert encoded_array(array) == document
    back = decoded_array("x", json.loads(json.dumps(document)))
    assert back.dtype == array.dtype and back.shape == array.shape and np.array_equal(back, array, equal_nan=True)


def test_the_decimals_are_the_shortest_that_come_back():
    numbers = np.array([0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0])
    text = json.dumps(encoded_array(numbers))
    assert text == "[0.1, 0.3333333333333333, 5e-324, 1.7976931348623157e+308, -0.0]"
    back = decoded_array("x", json.loads(text))
    assert back.tobytes() == numbers.tobytes()


def test_an_array_of_another_kind_has_no_json():
    with pytest.raises(ValueError, match="an array of int64 has no JSON; it needs float64 or float32"):
        encoded_array(np.array([1], dtype=np.int64))


def test_a_result_is_a_number_an_array_or_several():
    for result in (np.float64(0.5), np.array([0.5, np.nan]), (1.0, np.array([[0.5]]))):
        back, shape = packed(decoded_result("value", json.loads(json.dumps(encoded_result(result)))))
        want, want_shape = packed(result)
        assert shape == want_shape and np.array_equal(back, want, equal_nan=True)


@cache
def documents():
    """A few that have everything between them."""
    names = (
        "continuous_denoising",
        "noise_contrastive_estimation",
        "coupling_flow_forward",
        "bits_per_dimension",
        "reverse_drift",
        "stein_kernel",
    )
    return {name: through_json(operations()[name], cases_of(name)[0], operations()[name].models[0]) for name in names}


DELETED = object()
W = np.zeros((3, 2)).tolist()
# operation, path to a field, what stands there instead -> what is said
REFUSED = [
    ("reverse_drift", "operation", "reverse_drif", 'operation is "reverse_drif", which is none'),
    ("reverse_drift", "operation", ["reverse_drift"], 'operation is ["reverse_drift"], which is none'),
    ("reverse_drift", "case", 3, "case is 3; it needs a string"),
    ("reverse_drift", "finite", "yes", 'finite is "yes"; it needs true or false'),
    ("reverse_drift", "finite", DELETED, "document has no finite; it needs operation, case"),
    ("reverse_drift", "seed", 0, 'document has the member "seed"; known are operation, case'),
    ("reverse_drift", "trained", ["score"], 'trained is ["score"]; it needs []'),
    ("bits_per_dimension", "conventions.model", "score", 'conventions has the member "model"; known are none'),
    ("reverse_drift", "at", {}, "at has no x; it needs x, t"),
    ("reverse_drift", "at.t", [[0.5], ["a"]], 'at.t[1][0] is "a"; it needs a number'),
    ("reverse_drift", "arguments", [], "arguments is []; it needs an object with sde, score, stochasticity"),
    ("reverse_drift", "arguments.sde", 0.5, "arguments.sde is 0.5; it needs an SDE"),
    ("reverse_drift", "arguments.sde.sde", "Ornstein", 'arguments.sde.sde is "Ornstein"; known are VE, VP, SubVP'),
    ("reverse_drift", "arguments.sde.sigma_min", DELETED, "arguments.sde has no sigma_min"),
    ("reverse_drift", "arguments.sde.sigma_min", -1.0, "arguments.sde: sigma_min"),
    ("reverse_drift", "arguments.stochasticity", None, "arguments.stochasticity is null; it needs a number"),
    ("bits_per_dimension", "arguments.dimensions", 3.5, "arguments.dimensions is 3.5; it needs a whole number"),
    ("bits_per_dimension", "arguments.dimensions", True, "arguments.dimensions is true; it needs a whole number"),
    ("bits_per_dimension", "arguments.bin_width.shape", [2], "its shape needs a list of 2 numbers"),
    ("continuous_denoising", "conventions", {}, "conventions has no model"),
    ("continuous_denoising", "conventions.model", "flow", 'conventions.model is "flow"; continuous_denoising'),
    ("continuous_denoising", "arguments.x", [], "arguments.x is an empty list"),
    ("continuous_denoising", "arguments.x", [[1.0], [1.0, 2.0]], "holds parts of shapes (1,) and (2,)"),
    ("continuous_denoising", "arguments.score", [1.0], "arguments.score is [1.0]; it needs an object with network"),
    (
        "continuous_denoising",
        "arguments.score.network",
        "energy",
        'arguments.score.network is "energy"; it needs to be "score"',
    ),
    ("continuous_denoising", "arguments.score.timed", False, "arguments.score.timed is false; it needs to be true"),
    (
        "continuous_denoising",
        "arguments.score.weights",
        [],
        "arguments.score.weights is []; it needs a list that is not",
    ),
    (
        "continuous_denoising",
        "arguments.score.weights",
        [[W]],
        "weights[0] is [[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]; it needs",
    ),
    ("continuous_denoising", "arguments.score.weights", [[W, [0.0]]], "weights[0] has W of shape (3, 2) and b of (1,)"),
    ("continuous_denoising", "arguments.score.weights", [[W, [0.0] * 2], [W, [0.0] * 2]], "weights[1] has W of shape"),
    (
        "continuous_denoising",
        "arguments.score.weights",
        [[W[:2], [0.0] * 2]],
        "have 2 inputs and 2 outputs, which is no score",
    ),
    ("continuous_denoising", "arguments.weight.b", 2.5, "arguments.weight.b is 2.5; it needs to be 1.5"),
    ("stein_kernel", "arguments.kernel.callable", "rbf", 'arguments.kernel.callable is "rbf"; it needs to be "kernel"'),
    ("noise_contrastive_estimation", "arguments.log_model.confinement", 0.2, "confinement is 0.2; it needs to be 0.1"),
    (
        "noise_contrastive_estimation",
        "arguments.log_model.weights",
        [[W, [0.0] * 2]],
        "2 outputs, which is no log_density",
    ),
    ("coupling_flow_forward", "arguments.parameters.networks", 3, "arguments.parameters is 3; it needs a list"),
]


@pytest.mark.parametrize(("name", "path", "value", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_case_is_told_by_its_field(name, path, value, message):
    document = deepcopy(documents()[name])
    decoded(document)
    *folders, last = path.split(".")
    place = document
    for folder in folders:
        place = place[folder]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        decoded(document)


def test_a_document_must_be_an_object():
    with pytest.raises(ValueError, match="document is null; it needs an object with operation"):
        decoded(None)


def test_a_bare_nan_is_kept_to_be_refused_where_it_stands():
    assert isinstance(parsed(b'{"value": NaN}')["value"], BareWord)
    assert shown(parsed(b"-Infinity")) == 'the bare word -Infinity, which is no JSON: write the string "-Infinity"'
    with pytest.raises(ValueError, match=r"it is nested too deeply|line 1"):
        parsed(b"[" * 10**6)


def test_a_made_up_case_is_encoded_too():
    """As those are that are made to find out more: empty arrays, numbers of NumPy, what is not finite."""
    operation = operations()["tweedie"]
    inputs = {"x": np.zeros((0, 3)), "alpha": np.float64(0.5), "sigma": np.array([[np.inf]])}
    case = Case("tweedie", "made-up", inputs, cases_of("tweedie")[0].networks)
    _, back, _ = decoded(through_json(operation, case, operation.models[0]))
    assert back.inputs["x"].shape == (0, 3) and back.inputs["alpha"] == 0.5 and back.inputs["sigma"] == [[np.inf]]


# ---- The page ----


def blocks():
    """The JSON of the page; a block may hold several objects."""
    found = []
    for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        while text.strip():
            document, end = json.JSONDecoder().raw_decode(text.lstrip())
            found.append(document)
            text = text.lstrip()[end:]
    return found


def test_the_requests_and_answers_of_the_page_are_real():
    hello, about, request, answer, number, energy, *callables = blocks()
    assert set(hello) == {"id", "request", "protocol", "refimpl"} and hello["protocol"] == programs.PROTOCOL
    assert programs.introduced(about).name == "my library"
    operation, case, model = decoded({k: v for k, v in request.items() if k not in ("id", "request", "gradient")})
    assert case.name in {c.name for c in cases_of(operation.name)}
    value = programs.read(answer, operation, case, model, False).value
    right, _ = packed(operation.reference(*case.inputs.values()))
    np.testing.assert_allclose(value, right, rtol=1e-15)
    assert decoded_array("number", number) == 0.625
    sizes = [np.shape(part) for pair in energy["weights"] for part in pair]
    assert sizes == [(2, 2), (2,), (2, 1), (1,)] and energy["confinement"] == 0.1
    assert callables == [{"callable": kind, **rest} for kind, rest in FIXED.items()]


def test_the_limits_that_the_page_names_are_those_that_hold():
    assert (programs.TIMEOUT, programs.STARTING, programs.LIMIT, child.LONGEST) == (10.0, 60.0, 3, 2**20)


def test_the_formulas_with_their_constants_are_what_is_handed_over():
    """The formulas as they are written, against the functions of the cases."""
    ns, x, y = numpy_adapter.namespace, np.array([[0.5, -1.5]]), np.array([[2.0, 0.25]])
    kernel, weight, _, transition = FIXED.values()
    c, beta, a, b, h = kernel["c"], kernel["beta"], weight["a"], weight["b"], transition["h"]
    np.testing.assert_allclose(handed.fixed(ns, "kernel")(x, y), (c**2 + np.sum((x - y) ** 2)) ** beta, rtol=1e-14)
    np.testing.assert_allclose(handed.fixed(ns, "weight")(0.5), a + b * 0.25, rtol=1e-14)
    moved = handed.fixed(ns, "transition")(lambda u: -0.5 * ns.sum(u**2, -1), x, y)
    np.testing.assert_allclose(moved, x - h / 2 * x + h**0.5 * y, rtol=1e-14)
    f, steps = lambda x, t: t * x, (0.25, 0.75)
    half = 0.5
    k = f(x, steps[0])
    np.testing.assert_allclose(
        handed.fixed(ns, "integrate")(f, x, steps), x + half / 2 * (k + f(x + half * k, steps[1])), rtol=1e-14
    )


def test_the_protocol_is_explained():
    assert explained("protocol") == PAGE.rstrip()


# ---- All of it, without a program between ----


@pytest.mark.parametrize("name", operations())
def test_the_reference_behind_the_protocol_is_right(name):
    """Every operation can be asked, and every result answered: read, computed and written as a program would."""
    operation, case = operations()[name], cases_of(name)[0]

    def program(*asked):
        document = through_json(*asked[:3])
        theirs, given, model = decoded(document)
        result, gradient = numpy_adapter.reference(theirs.reference, theirs, given, model)
        answer = {"id": 1, "status": "ok", "value": encoded_result(result)}
        answer |= {} if gradient is None else {"gradient": encoded_array(gradient)}
        return programs.read(json.loads(json.dumps(answer)), *asked[:3], bool(operation.trained))

    for model in operation.models:
        trial = judge.run(programs.evaluate, program, operation, case, Conventions(model=model))
        assert not trial.outcome.problem and trial.units == (0.0, 0.0)
