"""The files of vectors: what is in them, who says so, and what is refused."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from refimpl import noise
from refimpl.cli import main
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.inquiry import bound
from refimpl.oracle.operations import operations
from refimpl.oracle.vectors import UNCAUGHT, diff, verify
from refimpl.oracle.vectors.entries import case_of, digest, entry, missed_by, tensors, trial
from refimpl.oracle.vectors.files import data, read, read_json, shipped, written
from refimpl.oracle.vectors.make import SEPARATING, cases
from refimpl.oracle.vectors.witnesses import certificates, in_single_precision

NAMES = list(operations())
LEAST = 12 * len(NAMES)  # cases, so that an empty folder cannot pass


def cases_in(name):
    return [given for given in read(shipped()[name])["cases"] if given["finite"]]


def test_every_operation_has_its_file():
    assert set(shipped()) == set(NAMES)
    manifest = read_json(data() / "manifest.json")
    counts = {name: read(path)["number_of_cases"] for name, path in shipped().items()}
    assert manifest == {"operations": counts, "number_of_cases": sum(counts.values())}
    assert manifest["number_of_cases"] >= LEAST


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_it_says(name):
    """Form, ids, hashes, witnesses; enough cases, all of them other ones, and basic ones."""
    assert verify.problems(shipped()[name], recompute=False) == []
    found = cases_in(name)
    assert sum(not given["basic"] for given in found) >= SEPARATING and sum(given["basic"] for given in found) >= 3
    assert len({given["name"] for given in found}) == len(found)
    assert set(read(shipped()[name])["mistakes"]) == {mistake.name for mistake in mistakes_of(name)}


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_exact_in_single_precision(name):
    for given in cases_in(name):
        for part in ("arguments", "at"):
            for field, array in tensors(part, given[part]):
                assert np.array_equal(array.astype(np.float32), array), f"{given['id']} {field}"


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_the_reference_and_of_a_witness(name):
    """Every output again, by the reference and by NumPy code that shares none with it."""
    operation = operations()[name]
    for given in cases_in(name):
        case = case_of(operation, given)
        held = trial(operation, case, verify.stored_outcome(given))
        assert max(held.units) * operation.stages <= given["tolerance"], given["id"]
        (witness,) = certificates(operation, case, ("numpy",))
        assert max(witness["value"], witness.get("gradient", 0.0)) <= given["tolerance"], given["id"]


@pytest.mark.torch
@pytest.mark.jax
def test_two_witnesses_testify_again_for_a_sample():
    """Other cases in each run; the seed is in the message."""
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    seed = int.from_bytes(os.urandom(4), "little")
    rng = noise.generator(seed)
    for name in np.array(NAMES)[(noise.uniform(rng, (12,)) * len(NAMES)).astype(int)]:
        found = cases_in(str(name))
        given = found[int(noise.uniform(rng, ()) * len(found))]
        case = case_of(operations()[str(name)], given)
        for witness in certificates(operations()[str(name)], case, ("pytorch", "jax")):
            assert max(witness["value"], witness.get("gradient", 0.0)) <= given["tolerance"], (
                seed,
                given["id"],
                witness,
            )


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_is_missed_by_a_hundred_tolerances(name):
    """By the case that its margin is largest in; what no case catches is listed with what does."""
    document, operation = read(shipped()[name]), operations()[name]
    for mistake in mistakes_of(name):
        best = max(document["cases"], key=lambda given: given["catches"].get(mistake.name, 0.0))
        if mistake.name in best["catches"]:
            margin = missed_by(trial(operation, case_of(operation, best)), bound(mistake))
            assert margin >= UNCAUGHT, mistake.name
        else:
            assert document["uncaught"][mistake.name]


def test_what_no_case_catches_is_little():
    uncaught = [f"{name}/{mistake}" for name in NAMES for mistake in read(shipped()[name])["uncaught"]]
    assert uncaught == []


@pytest.mark.parametrize("name", ["vp_marginal", "sliced_score_matching"])
def test_made_again_they_are_the_same(name, tmp_path):
    """The same ids, and outputs within the tolerance: nothing to test again."""
    document, operation = read(shipped()[name]), operations()[name]
    made = [entry(operation, case, document["version"], basic) for case, basic in cases(operation)]
    assert [given["id"] for given in made] == [given["id"] for given in document["cases"]]
    again = tmp_path / f"{name}.json"
    certified = [{**new, "certified": old["certified"]} for new, old in zip(made, document["cases"], strict=True)]
    again.write_text(written({**document, "cases": certified}), encoding="utf-8")
    assert not [change for change in diff.changes(shipped()[name], again) if change.test]
    assert verify.problems(again) == []


# What may have happened to a file -> what is done to its document, and what verify says
DOCUMENT = {
    "a changed digit": (
        lambda d: d["cases"][1]["outputs"]["gradient"].__setitem__(3, d["cases"][1]["outputs"]["gradient"][3] + 1e-9),
        "outputs.gradient: its numbers do not have the hash",
    ),
    "a changed input": (
        lambda d: d["cases"][1]["arguments"]["x"][0].__setitem__(0, 0.5),
        "arguments.x: its numbers do not have the hash",
    ),
    "a missing field": (lambda d: d["cases"][2].pop("scale"), "cases[2] has no scale"),
    "a missing argument": (lambda d: d["cases"][2]["arguments"].pop("v"), "arguments has no v; it needs score, x, v"),
    "a field too many": (lambda d: d.update(note="hello"), 'has the member "note"'),
    "a duplicate id": (lambda d: d["cases"].__setitem__(1, d["cases"][0]), "id stands twice"),
    "another id": (lambda d: d["cases"][1].update(id="sliced_score_matching/000000000000"), "id: it is not that of"),
    "a NaN": (
        lambda d: d["cases"][1]["outputs"]["gradient"].__setitem__(3, "NaN"),
        "outputs.gradient: its numbers do not have the hash",
    ),
    "a null": (lambda d: d["cases"][1]["outputs"].update(value=None), "outputs.value is null; it needs a number"),
    "another version": (lambda d: d.update(format="refimpl-vectors/2"), 'format is "refimpl-vectors/2"; this version'),
    "no vectors": (lambda d: d.pop("format"), "it has no member format"),
    "an unknown operation": (lambda d: d.update(operation="nothing"), 'operation is "nothing", which is none'),
    "a case that is lost": (lambda d: d["cases"].pop(), "number_of_cases is"),
    "no tolerance": (lambda d: d["cases"][0].update(tolerance=0), "tolerance is 0; it needs a positive number"),
    "a lonely witness": (lambda d: d["cases"][1]["certified"].pop(), "certified: it needs two witnesses"),
    "an unknown mistake": (
        lambda d: d["cases"][1]["catches"].update({"nothing": 1e6}),
        "mistakes: nothing is none that the catalogue has",
    ),
}


def rehashed(document):
    """With the hashes of what stands there, so that only the numbers can tell."""
    for given in document["cases"]:
        found = {field: a for part in ("arguments", "at", "outputs") for field, a in tensors(part, given[part])}
        given["hashes"] = {field: digest(array) for field, array in found.items()}


NUMBERS = {
    "a wrong output": (
        lambda d: d["cases"][1]["outputs"]["gradient"].__setitem__(3, d["cases"][1]["outputs"]["gradient"][3] + 1e-9),
        "outputs.gradient: it is",
    ),
    "a NaN where none belongs": (
        lambda d: d["cases"][1]["outputs"]["gradient"].__setitem__(3, "NaN"),
        "outputs.gradient: it has an entry that is not finite",
    ),
    "another scale": (lambda d: d["cases"][1]["scale"].update(value=1e3), "scale.value: it is 1000.0"),
    "another margin": (
        lambda d: d["cases"][1]["catches"].update({"curvature-sign": 1e3}),
        "catches.curvature-sign: the margin is 1000",
    ),
    "too few entries": (lambda d: d["cases"][1]["outputs"]["gradient"].pop(), "outputs.gradient: it has the shape"),
}
NAME = "sliced_score_matching"


def small(cases=3):
    """A document of few cases, whose mistakes are all said to be caught elsewhere."""
    document = json.loads(shipped()[NAME].read_text(encoding="utf-8"))
    document["cases"] = document["cases"][:cases]
    document["number_of_cases"] = cases
    document["uncaught"] = dict.fromkeys(document["mistakes"], "elsewhere")
    return document


@pytest.mark.parametrize("what", [*DOCUMENT, *NUMBERS])
def test_what_is_not_right_is_refused(what, tmp_path):
    spoil, message = {**DOCUMENT, **NUMBERS}[what]
    document, path = small(), tmp_path / "spoilt.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert verify.problems(path, recompute=what in NUMBERS) == []
    spoil(document)
    if what in NUMBERS:
        rehashed(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    problems = verify.problems(path, recompute=what in NUMBERS)
    assert any(str(path) in problem and message in problem for problem in problems), problems


# what is in a file, or where -> what is said
FILES = {
    "truncated": (lambda path: path.write_text(json.dumps(small())[:-500]), "it is no JSON, or only a part of it"),
    "empty": (lambda path: path.write_text(""), "it is no JSON"),
    "bytes": (lambda path: path.write_bytes(b"\x80\x04\x95\xff"), "it is not text in UTF-8"),
    "a list": (lambda path: path.write_text("[]"), "it has no member format"),
    "nested": (lambda path: path.write_text("[" * 100_000), "it is nested too deeply"),
    "a bare NaN": (
        lambda path: path.write_text(json.dumps(small()).replace('"tolerance": 64.0', '"tolerance": NaN', 1)),
        "tolerance is the bare word NaN",
    ),
    "a folder": (lambda path: path.mkdir(), "it is a folder"),
    "nothing": (lambda path: None, "there is no such file"),
}


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_file_of_vectors_is_refused(what, tmp_path, capsys):
    make, message = FILES[what]
    path = tmp_path / "vectors.json"
    make(path)
    assert main(["vectors", "verify", str(path)]) == 1
    out = capsys.readouterr().out
    assert str(path) in out and message in out and "1 files, 1 problems" in out


# What only a reading of the numbers can tell, and no schema
NOT_OF_THE_FORM = (
    "a changed digit",
    "a changed input",
    "a missing argument",
    "a duplicate id",
    "another id",
    "a NaN",
    "an unknown operation",
    "a case that is lost",
    "a lonely witness",
    "an unknown mistake",
)


@pytest.mark.parametrize("what", ["nothing", *(what for what in DOCUMENT if what not in NOT_OF_THE_FORM)])
def test_the_schema_says_what_the_form_is(what):
    jsonschema = pytest.importorskip("jsonschema")
    schema = read_json(data() / "schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    document = small()
    if what != "nothing":
        DOCUMENT[what][0](document)
    valid = jsonschema.Draft202012Validator(schema).is_valid(document)
    assert valid is (what == "nothing")


def test_a_difference_says_what_to_test_again(tmp_path, capsys):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    before, after = small(5), small(5)
    old.write_text(json.dumps(before), encoding="utf-8")
    new.write_text(json.dumps(after), encoding="utf-8")
    assert main(["vectors", "diff", str(old), str(new)]) == 0
    assert "0 changes; 0 cases to test again" in capsys.readouterr().out
    after["cases"][0]["outputs"]["gradient"][0] *= 1.0 + 1e-6
    after["cases"][1]["outputs"]["gradient"][0] *= 1.0 + 1e-15
    removed = after["cases"].pop(2)
    after["cases"][2]["tolerance"] /= 2.0
    after["cases"][3]["catches"].pop("curvature-sign")
    after["number_of_cases"] = 4
    after["mistakes"]["brand-new"] = {"kind": "mistake", "sentence": "Something else."}
    before["cases"].pop(4)
    before["number_of_cases"] = 4
    old.write_text(json.dumps(before), encoding="utf-8")
    new.write_text(json.dumps(after), encoding="utf-8")
    assert main(["vectors", "diff", str(old), str(new)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines[:-1]].count("test") == 3
    found = "\n".join(lines)
    assert "one of the two is wrong" in found and "a rounding" in found and f"removed: {removed['name']}" in found
    assert "tolerance is 32 units; it was 64" in found and "flags a new mistake: brand-new" in found
    assert "6 changes; 3 cases to test again" in found


@pytest.mark.parametrize("form", ["json", "npz", "safetensors"])
def test_they_are_exported(form, tmp_path):
    assert main(["vectors", "export", "--format", form, "--operation", NAME, "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob(f"{NAME}.*")
    document = read(shipped()[NAME])
    case = document["cases"][4]
    key, want = f"{case['name']}/arguments.x", np.array(case["arguments"]["x"])
    if form == "json":
        assert read(path) == document and (tmp_path / "schema.json").is_file()
    elif form == "npz":
        with np.load(path, allow_pickle=False) as arrays:
            assert np.array_equal(arrays[key], want) and json.loads(str(arrays["about"]))["operation"] == NAME
    else:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header, numbers = json.loads(content[8 : 8 + length]), content[8 + length :]
        start, end = header[key]["data_offsets"]
        assert np.array_equal(np.frombuffer(numbers[start:end], "<f8").reshape(header[key]["shape"]), want)
        assert json.loads(header["__metadata__"]["about"])["operation"] == NAME and length % 8 == 0
        spans = sorted(value["data_offsets"] for name, value in header.items() if name != "__metadata__")
        assert spans[0][0] == 0 and spans[-1][1] == len(numbers)
        assert all(a[1] == b[0] for a, b in pairwise(spans))


def test_the_statistics_count_what_is_there(capsys):
    assert main(["vectors", "stats"]) == 0
    out = capsys.readouterr().out
    assert f"{len(NAMES)} files" in out and all(name in out for name in NAMES)


@pytest.mark.jax
def test_right_code_in_32_bits_is_measured_in_units_of_32_bits(monkeypatch, capsys):
    pytest.importorskip("jax")
    few = {name: shipped()[name] for name in (NAME, "vp_marginal")}
    monkeypatch.setattr("refimpl.oracle.vectors.command.shipped", lambda: few)
    assert main(["vectors", "stats", "--float32"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert {row[0] for row in rows} == set(few)
    assert all(max(float(value), float(gradient)) <= float(allowed) for _, value, gradient, allowed in rows)
    case = case_of(operations()[NAME], read(few[NAME])["cases"][0])
    assert in_single_precision(operations()[NAME], case).outcome.epsilon == 2.0**-23


def test_importing_refimpl_reads_no_vector():
    code = "import sys, refimpl; refimpl.check({}); print([m for m in sys.modules if 'vectors' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr("refimpl.oracle.vectors.command.find_spec", lambda name: None)
    assert main(["vectors", "make"]) == 2 and "pip install 'refimpl[torch]'" in capsys.readouterr().err
    assert main(["vectors", "stats", "--float32"]) == 2 and "pip install 'refimpl[jax]'" in capsys.readouterr().err
