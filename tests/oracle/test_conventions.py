"""What multiplies a whole loss is a convention; declared it passes, undeclared it is named with what to declare."""

import pytest
from implementations import FRAMEWORKS, OBJECTIVES, caller, namespace, returning, terms

from refimpl import check
from refimpl.oracle.conventions import TABLE
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.operation import ENERGIES
from refimpl.oracle.operations import operations

B = lambda a: a["x"].shape[0]
D = lambda a: a["x"].shape[1]

# what the caller does to the right rows -> what it has to declare
FACTORS = {
    "sum": (lambda ns, rows, a: ns.sum(rows, 0), {"reduction": "sum"}),
    "half left out": (lambda ns, rows, a: 2.0 * ns.mean(rows, 0), {"factor": 2.0}),
    "mean over all entries": (lambda ns, rows, a: ns.mean(rows, 0) / D(a), {"dimensions": "mean"}),
    "half left out, mean over all entries": (
        lambda ns, rows, a: 2.0 * rows / D(a),
        {"dimensions": "mean", "factor": 2.0},
    ),
    "a third of the sum": (lambda ns, rows, a: ns.sum(rows, 0) / 3.0, {"reduction": "sum", "factor": 1.0 / 3.0}),
}


def arguments(operation, given):
    return dict(zip(operation.arguments, given, strict=True))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("change", FACTORS)
def test_a_factor_is_a_convention(name, change, framework):
    operation, ns = operations()[name], namespace(framework)
    function, declared = FACTORS[change]
    if "dimensions" in declared and "dimensions" not in operation.conventions:
        return  # on the half line D is one
    implementation = returning(operation, framework, lambda rows, *a: function(ns, rows, arguments(operation, a)))
    undeclared = check(implementation, framework=framework)
    assert undeclared.exit_status == 1
    (finding,) = undeclared.findings
    assert finding.kind == "convention" and f"conventions[{name!r}] = {{" in finding.sentence, finding
    assert all(repr(key) in finding.sentence for key in declared)
    assert check(implementation, framework=framework, conventions=declared).ok


# what is declared of right rows -> what the finding says to declare instead
TOO_MUCH = [
    ({"factor": 2.0}, "{'factor': 1.0}"),
    ({"dimensions": "mean"}, "{'dimensions': 'sum'}"),
    ({"reduction": "sum"}, "{'reduction': 'mean'}"),
]


@pytest.mark.parametrize(("declared", "advice"), TOO_MUCH)
def test_the_advice_allows_for_what_is_declared_already(declared, advice):
    operation, ns = operations()["implicit_score_matching"], namespace("numpy")
    implementation = returning(operation, "numpy", lambda rows, *a: ns.mean(rows, 0))
    (finding,) = check(implementation, conventions=declared).findings
    assert f"conventions['implicit_score_matching'] = {advice}" in finding.sentence, finding
    followed = {**declared, "implicit_score_matching": eval(advice)}
    assert check(implementation, conventions=followed).ok


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_rows_and_their_mean_need_no_declaration(name, framework):
    operation, ns = operations()[name], namespace(framework)
    assert check(returning(operation, framework, lambda rows, *a: rows), framework=framework).ok
    assert check(returning(operation, framework, lambda rows, *a: ns.mean(rows, 0)), framework=framework).ok
    declared = {"reduction": "none"}
    assert check(returning(operation, framework, lambda rows, *a: rows), framework=framework, conventions=declared).ok
    report = check(
        returning(operation, framework, lambda rows, *a: ns.mean(rows, 0)), framework=framework, conventions=declared
    )
    assert report.exit_status == 2 and "needs (5,) under reduction = none" in str(report)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_wrong_way_up_is_a_mistake(name, framework):
    """Of a loss; a value may be ascended or its negative descended."""
    operation = operations()[name]
    implementation = returning(operation, framework, lambda rows, *a: -2.0 * rows)
    (finding,) = check(implementation, framework=framework).findings
    if "sense" in operation.conventions:
        assert (finding.kind, finding.name) == ("convention", "sense = loss")
        assert check(implementation, framework=framework, conventions={"sense": "loss", "factor": 2.0}).ok
    elif operation.models[0] == "log_density":
        # with E for f the whole of it may turn round as well, and so it is said of the model
        energy = ("convention", "model = energy and factor = 2.0")
        assert (finding.kind, finding.name) in [("mistake", "loss-sign"), energy]
    else:
        assert (finding.kind, finding.name) == ("mistake", "loss-sign")


def slope(ns):
    """The gradient in x of a function of x, or of x and the time."""
    return lambda f: lambda x, *t: ns.gradient(lambda y: f(y, *t))(x)


def taking(operation, right, made):
    """The right implementation of a caller who makes the reference's model out of what is handed over in its place."""
    k = operation.arguments.index(operation.model_argument)
    return caller(operation, lambda *given: right(*given[:k], made(given[k]), *given[k + 1 :]))


# The other kinds of model stand in test_declared.
MODELS = [
    (name, model)
    for name in OBJECTIVES
    if "model" in operations()[name].conventions
    for model in operations()[name].models[1:]
    if model in ENERGIES
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("name", "model"), MODELS)
def test_the_model_may_be_an_energy_or_a_log_density(name, model, framework):
    operation, ns = operations()[name], namespace(framework)
    sign = -1.0 if model == "energy" else 1.0
    right = terms(operation, framework)
    taken = slope(ns) if operation.models[0] == "score" else lambda f: f
    implementation = taking(operation, right, lambda f: lambda *x: sign * taken(f)(*x))
    assert check(implementation, framework=framework, conventions={"model": model}).ok
    undeclared = check(implementation, framework=framework)
    assert [(f.kind, f.name) for f in undeclared.findings] == [("convention", f"model = {model}")]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", [name for name, model in MODELS if model == "log_density"])
def test_an_energy_taken_for_a_log_density_is_a_mistake_once_it_is_declared(name, framework):
    operation, ns = operations()[name], namespace(framework)
    right = terms(operation, framework)
    implementation = taking(operation, right, slope(ns))
    report = check(implementation, framework=framework, conventions={"model": "energy"})
    assert report.findings[0].kind == "mistake"


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("weighting", "power"), [("sigma^2", 2), ("sigma^4", 4), ("sigma^-2", -2), ("sigma", 1), ("sigma^-1", -1)]
)
def test_a_power_of_sigma_is_another_weighting(weighting, power, framework):
    operation, ns = operations()["denoising_score_matching"], namespace(framework)

    def weighted(rows, score, x, z, sigma):
        levels = sigma if len(sigma.shape) == 0 else sigma[:, 0]
        return ns.mean(rows * levels ** float(power), 0)

    implementation = returning(operation, framework, weighted)
    (finding,) = check(implementation, framework=framework).findings
    assert (finding.kind, finding.name) == ("choice", "weighting") and f"'weighting': {weighting!r}" in finding.sentence
    assert finding.evidence.startswith("your value and gradient are the reference's on all")
    assert check(implementation, framework=framework, conventions={"weighting": weighting}).ok


@pytest.mark.parametrize("name", ["sliced_score_matching", "sliced_score_matching_vr"])
def test_a_sum_over_slices_is_a_convention(name):
    operation = operations()[name]
    implementation = returning(operation, "numpy", lambda rows, score, x, v: len(v) * rows)
    assert "'slices': 'sum'" in check(implementation).findings[0].sentence
    assert check(implementation, conventions={"slices": "sum"}).ok


def test_a_mistake_under_an_undeclared_convention_is_named_with_it():
    operation, ns = operations()["denoising_score_matching"], namespace("numpy")
    wrong = lambda score, x, z, sigma: ns.sum(ns.sum((score(x + sigma * z) - z / sigma) ** 2, -1), 0)
    first, second = check(caller(operation, wrong)).findings
    assert (first.kind, first.name) == ("mistake", "score-sign")
    assert second.kind == "convention" and "'reduction': 'sum', 'factor': 2.0" in second.sentence


def test_a_finite_difference_is_an_approximation():
    operation, ns, step = operations()["implicit_score_matching"], namespace("numpy"), 1e-4

    def differences(score, x):
        shifts = step * ns.identity(x.shape[1])
        trace = sum((score(x + e)[:, i] - score(x - e)[:, i]) / (2 * step) for i, e in enumerate(shifts))
        return ns.mean(trace + 0.5 * ns.sum(score(x) ** 2, -1), 0)

    (finding,) = check(caller(operation, differences)).findings
    assert (finding.kind, finding.name) == ("approximation", "finite-differences")


def test_one_operation_may_have_conventions_of_its_own():
    implicit, explicit = operations()["implicit_score_matching"], operations()["explicit_score_matching"]
    implementation = {
        **returning(implicit, "numpy", lambda rows, *a: rows.sum()),
        **returning(explicit, "numpy", lambda rows, *a: rows.mean()),
    }
    assert check(implementation, conventions={"implicit_score_matching": {"reduction": "sum"}}).ok
    assert not check(implementation, conventions={"reduction": "sum"}).ok


def test_evaluation_only_code_declares_that_it_has_no_gradient():
    operation = operations()["explicit_score_matching"]
    from autograd.tracer import getval

    implementation = returning(operation, "numpy", lambda rows, *a: getval(rows))
    assert check(implementation).findings[0].name == "loss-detached"
    assert check(implementation, conventions={"gradient": "none"}).ok


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"modle": "energy"}, r"key 'modle'.*did you mean 'model'"),
        ({"model": "enregy"}, r"conventions\['model'\] is 'enregy'; known are score, energy, log_density, noise"),
        ({"factor": -1.0}, r"conventions\['factor'\] is -1.0; it needs a positive number"),
        ({"factor": float("nan")}, r"conventions\['factor'\]"),
        ("energy", r"conventions is a str; it needs a mapping"),
        ({"langevn": {"step": "h"}}, r"key 'langevn', which is no operation; did you mean 'langevin'"),
        ({"implicit_score_matching": "energy"}, r"conventions\['implicit_score_matching'\]"),
    ],
)
def test_unknown_conventions_are_refused(declared, message):
    with pytest.raises(ValueError, match=message):
        check({}, conventions=declared)


def test_the_table_says_what_each_value_means():
    for key, values in TABLE.items():
        assert values and all(values.values()), key


def stein(ns, score, x, kernel):
    from refimpl.oracle.operations.kernel_stein_discrepancy import stein_terms

    return sum(stein_terms(ns, score, x, x, kernel).values())


def without_diagonal(ns, u):
    count = len(u)
    return ns.sum(ns.sum(u * (1.0 - ns.identity(count)), -1), -1) / (count * (count - 1))


def changed(name, change):
    """(ns) -> a function that returns change(ns, the right rows, the arguments by name)."""
    operation = operations()[name]

    def made(ns):
        right = lambda *given: sum(operation.terms(ns, *given).values())
        return lambda *given: change(ns, right(*given), arguments(operation, given))

    return name, made


def level(ns, sigma_min, sigma_max, t):
    return sigma_min * ns.exp(t * ns.log(ns.array(sigma_max / sigma_min)))


# key -> value -> an operation, and (ns) -> a function that is right under that value and no other
RIGHT_UNDER = {
    "reduction": {
        "mean": changed("implicit_score_matching", lambda ns, rows, a: ns.mean(rows, 0)),
        "sum": changed("implicit_score_matching", lambda ns, rows, a: ns.sum(rows, 0)),
        "none": changed("implicit_score_matching", lambda ns, rows, a: rows),
    },
    "dimensions": {
        "sum": changed("implicit_score_matching", lambda ns, rows, a: rows),
        "mean": changed("implicit_score_matching", lambda ns, rows, a: rows / D(a)),
    },
    "slices": {
        "mean": changed("sliced_score_matching", lambda ns, rows, a: rows),
        "sum": changed("sliced_score_matching", lambda ns, rows, a: len(a["v"]) * rows),
    },
    "sense": {
        "value": changed("gan_contrast", lambda ns, rows, a: rows),
        "loss": changed("gan_contrast", lambda ns, rows, a: -rows),
    },
    "statistic": {
        "U": ("kernel_stein_discrepancy", lambda ns: lambda *given: without_diagonal(ns, stein(ns, *given))),
        "V": (
            "kernel_stein_discrepancy",
            lambda ns: lambda *given: ns.mean(ns.mean(stein(ns, *given), -1), -1),
        ),
    },
    "step": {
        "h/2": ("langevin_step", lambda ns: lambda score, x, z, step: x + 0.5 * step * score(x) + step**0.5 * z),
        "h": ("langevin_step", lambda ns: lambda score, x, z, step: x + step * score(x) + (2.0 * step) ** 0.5 * z),
    },
    "ve_kernel": {
        "exact": (
            "ve_marginal",
            lambda ns: lambda low, high, t: (1.0 + 0.0 * t, (level(ns, low, high, t) ** 2 - low**2) ** 0.5),
        ),
        "sigma(t)": ("ve_marginal", lambda ns: lambda low, high, t: (1.0 + 0.0 * t, level(ns, low, high, t))),
    },
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in RIGHT_UNDER.items() for value in values])
def test_every_value_is_right_told_or_wrong(key, value, framework):
    name, made = RIGHT_UNDER[key][value]
    implementation = caller(operations()[name], made(namespace(framework)))
    run = lambda declared: check(implementation, framework=framework, conventions=declared)
    assert run({key: value}).ok
    assert not any(run({key: other}).ok for other in RIGHT_UNDER[key] if other != value)
    undeclared = run(None)
    if value in ("none", next(iter(TABLE[key]))):
        assert undeclared.ok  # the reference's own, and rows, which may be compared as they are
        return
    (finding,) = undeclared.findings
    assert finding.kind == "convention" and f"conventions[{name!r}] = {{{key!r}: {value!r}}}" in finding.sentence


@pytest.mark.parametrize("name", ["langevin_step", "langevin", "annealed_langevin"])
def test_a_mistake_in_steps_of_the_other_length_is_that_mistake(name):
    """And no doubled argument beside it; what is not declared is said."""
    operation = operations()[name]
    wrong = next(m.function for m in mistakes_of(name) if m.name == "langevin-sign")
    theirs = caller(operation, lambda *given: wrong(namespace("numpy"), *given[:-1], 2.0 * given[-1]))
    names = lambda declared: [f.name for f in check(theirs, conventions=declared).findings]
    assert names({"step": "h"}) == ["langevin-sign"]
    assert names(None) == ["langevin-sign", "step = h"]


def nudged(result):
    """Off by a little, whatever it is."""
    if callable(result):
        return lambda *at: nudged(result(*at))
    return tuple(map(nudged, result)) if isinstance(result, tuple) else result + 1e-5


# Those that no solver makes slow.
WITH_A_KERNEL = [
    name
    for name, operation in operations().items()
    if "ve_kernel" in operation.conventions and "integrate" not in operation.callables.values()
]


@pytest.mark.parametrize("name", WITH_A_KERNEL)
def test_who_is_nearly_right_is_not_told_a_convention_that_hardly_matters(name):
    """Under another kernel of the VE SDE a case of the VP SDE is the same, and so as nearly right as before."""
    operation = operations()[name]
    report = check(caller(operation, lambda *given: nudged(operation.reference(*given))))
    assert report.exit_status == 1 and all(finding.kind != "convention" for finding in report.findings), report.findings


def test_every_key_has_its_test():
    """Here, or of the model, the time and the logit in test_declared.py, of the randomness in test_own_draws.py;
    weighting, factor and gradient are above."""
    elsewhere = {"model", "time", "logit", "randomness", "weighting", "factor", "gradient"}
    assert set(RIGHT_UNDER) | elsewhere == set(TABLE)
    assert all(set(RIGHT_UNDER[key]) == set(TABLE[key]) for key in RIGHT_UNDER)


@pytest.mark.parametrize("key", [key for key in TABLE if key != "factor"])
def test_an_unknown_value_is_refused_with_those_that_are_known(key):
    known = ", ".join(TABLE[key])
    for declared in ({key: "nonsense"}, {"denoising_score_matching": {key: "nonsense"}}):
        with pytest.raises(ValueError) as refused:
            check({}, conventions=declared)
        assert str(refused.value) == f"conventions[{key!r}] is 'nonsense'; known are {known}"
