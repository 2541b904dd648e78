"""The program in JavaScript that holds its operations against the vectors: right, and not to be deceived."""

import copy
import json
import shutil
import subprocess

import pytest
from pages import ROOT

from refimpl.oracle.vectors.files import BadVectors, data, read_json, shipped

EXAMPLES = ROOT / "refimpl" / "examples"
NAME = "denoising_score_matching"
HAS = 18  # operations

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture
def vectors():
    """operation -> its file."""
    try:
        return shipped()
    except BadVectors as error:
        pytest.skip(f"the vectors are not made: {error}")


@pytest.fixture
def document(vectors):
    return json.loads(vectors[NAME].read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path):
    """A folder of vectors, given their documents."""

    def filled(*documents):
        path = tmp_path / "vectors"
        path.mkdir()
        for given in documents:
            (path / f"{given['operation']}.json").write_text(json.dumps(given), encoding="utf-8")
        return path

    return filled


def run(*paths, program=EXAMPLES / "vectors.mjs"):
    """The exit status and what was printed."""
    done = subprocess.run(["node", program, *paths], capture_output=True, text=True, encoding="utf-8", timeout=100)
    assert not done.stderr
    return done.returncode, done.stdout


def test_all_vectors_of_its_operations_are_right(vectors):
    status, out = run(data())
    *lines, total = out.splitlines()
    counts = read_json(data() / "manifest.json")["operations"]
    checked = {line.split()[0]: int(line.split()[1]) for line in lines}
    assert status == 0 and len(checked) == HAS and checked == {name: counts[name] for name in checked}, out
    others = f"{len(vectors) - HAS} files are of operations that this program does not have"
    assert total == f"{HAS} files, {sum(checked.values())} cases, 0 problems; {others}"


# the right text in client.mjs, the wrong one -> what is said
WRONG = {
    "value": (
        "return mul(half, squared(plus(score(noisy)",
        "return mul(two, squared(plus(score(noisy)",
        "the value is",
    ),
    "gradient": ("[[a, (g) => mul(g, sub(constant(1), mul(y, y)))]]", "[[a, (g) => g]]", "the gradient is"),
    "numbers for NaN": ("trained && !finite ? NaN : 1", "1", "the model answers NaN, and the operation numbers"),
    "an exception": (
        "const level = row(sigma, i);",
        "const level = row(sigma.a.b, i);",
        "the operation throws: Cannot",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_function_is_found(what, vectors, tmp_path):
    right, wrong, message = WRONG[what]
    client = (EXAMPLES / "client.mjs").read_text(encoding="utf-8")
    assert client.count(right) == 1
    (tmp_path / "client.mjs").write_text(client.replace(right, wrong), encoding="utf-8")
    program = shutil.copy(EXAMPLES / "vectors.mjs", tmp_path)
    status, out = run(vectors[NAME], program=program)
    assert status == 1 and f"{NAME}/" in out and message in out, out


# what is done to a document -> what is said
SPOILT = {
    "a changed digit": (
        lambda d: d["cases"][1]["outputs"]["value"].__setitem__(0, d["cases"][1]["outputs"]["value"][0] * (1 + 2**-52)),
        "outputs.value has the hash",
    ),
    "a changed input": (lambda d: d["cases"][1]["arguments"]["x"][0].__setitem__(0, 0.625), "arguments.x has the hash"),
    "a missing hash": (lambda d: d["cases"][1]["hashes"].pop("arguments.x"), "arguments.x has no hash"),
    "a lost array": (lambda d: d["cases"][1]["outputs"].pop("value"), "there is no array outputs.value"),
    "a lost case": (lambda d: d["cases"].pop(), "it needs 16"),
    "a case twice": (lambda d: d["cases"].__setitem__(1, d["cases"][0]), "an id stands twice"),
    "another form": (lambda d: d.update(format="refimpl-vectors/2"), "it has the format refimpl-vectors/2"),
}


def test_what_was_lost_or_changed_is_found(document, tmp_path):
    """All in one run, since a start of Node costs more than a file."""
    for what, (spoil, _) in SPOILT.items():
        spoilt = copy.deepcopy(document)
        spoil(spoilt)
        (tmp_path / f"{what}.json").write_text(json.dumps(spoilt), encoding="utf-8")
    status, out = run(*(tmp_path / f"{what}.json" for what in SPOILT))
    assert status == 1 and f"{len(SPOILT)} problems" in out, out
    assert all(message in out for _, message in SPOILT.values()), out


def test_a_file_that_the_manifest_lists_is_missed(document, folder):
    path = folder(document)
    manifest = {"operations": {NAME: 17, "langevin": 15}, "number_of_cases": 32}
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    status, out = run(path)
    assert status == 1 and "of denoising_score_matching it lists 17 cases, and 16 are there" in out, out
    assert "of langevin it lists 15 cases, and 0 are there" in out


@pytest.mark.parametrize("what", ["an empty folder", "no path", "nothing there", "no JSON"])
def test_nothing_checked_proves_nothing(what, folder):
    path = folder()
    (path / "broken.json").write_text("{", encoding="utf-8") if what == "no JSON" else None
    paths = {"an empty folder": [path], "no path": [], "nothing there": [path / "none"], "no JSON": [path]}[what]
    status, out = run(*paths)
    assert status == 2 and "no case was checked" in out, out
