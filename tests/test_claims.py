"""The lectures, claim by claim: the table names checks and tests that exist, on the pages that it links to.

Below it are the tests of claims that no equation of a page makes.
"""

import ast
import re

import autograd.numpy as np
import pytest
from pages import PAGES, ROOT, tags

from refimpl import models, noise
from refimpl.checks import all_checks
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.objectives import denoising_score_matching, implicit_score_matching, sliced_score_matching

README = (ROOT / "derivations" / "README.md").read_text(encoding="utf-8")
HEADING = "## What the lectures say, claim by claim"
COLUMNS = ("claim", "what is true", "pages", "what shows it")
CHECKED = {check.tag for check in all_checks()}
REFERENCE = re.compile(r"`([^`$]+)`")  # code, not the mathematics in $`…`$
LINK = re.compile(r"\[\d\d\]\(([\w-]+\.md)\)")
RANGE = re.compile(r"`([A-Z]+)\.(\d+)` to `([A-Z]+)\.(\d+)`")


def claims(text):
    """The rows of the table under the heading, a tuple of cells each."""
    section = text.partition(HEADING)[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    return [row for row in cells if row != COLUMNS and not set("".join(row)) <= set("-")]


def references(cell):
    """What a cell names: tags, those that "to" leaves out among them, and tests."""
    between = [
        f"{first}.{n}"
        for first, low, last, high in RANGE.findall(cell)
        for n in range(int(low), int(high) + 1)
        if first == last
    ]
    return sorted({*REFERENCE.findall(cell), *between})


def functions(path):
    """The names of the functions at the top of a Python file."""
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def problems(reference, pages):
    """What is wrong with a tag or a test in the row that links to these pages; nothing if it exists."""
    path, _, name = reference.partition("::")
    if name:
        file = ROOT / path
        return [] if file.is_file() and name in functions(file) else [f"{reference} is no test"]
    home = [page.name for page in PAGES if reference in tags(page)]
    if reference not in CHECKED or not home:
        return [f"{reference} is not checked"]
    return [] if home[0] in pages else [f"{reference} stands on {home[0]}, to which the row has no link"]


CLAIMS = claims(README)


def test_the_table_is_there():
    assert HEADING in README and len(CLAIMS) >= 42
    assert [row for row in CLAIMS if len(row) != len(COLUMNS) or not all(row)] == []


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0])
def test_what_shows_it_exists(row):
    pages, names = LINK.findall(row[2]), references(row[3])
    assert [page for page in pages if not (ROOT / "derivations" / page).is_file()] == []
    assert names and [problem for name in names for problem in problems(name, pages)] == []


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0])
def test_every_page_of_the_row_shows_something(row):
    """Each page that is linked has one of the tags, or the test file of its stem."""
    names = references(row[3])
    for page in LINK.findall(row[2]):
        stem = page[3:-3].replace("-", "_")
        known = tags(ROOT / "derivations" / page)
        assert any(name in known or f"/test_{stem}.py::" in name for name in names), page


def test_a_name_that_does_not_exist_is_found():
    head = f"{HEADING}\n\n| {' | '.join(COLUMNS)} |\n|---|---|---|---|\n"
    (row,) = claims(head + "| a | b $`\\int`$ | [33](33-implicit-score-matching.md) | `ISM.1` |\n")
    assert references(row[3]) == ["ISM.1"]
    asked = lambda cell: [problem for name in references(cell) for problem in problems(name, LINK.findall(row[2]))]
    assert asked("`ISM.1`, `tests/test_claims.py::test_the_table_is_there`") == []
    assert asked("`ISM.999`") == ["ISM.999 is not checked"]
    assert asked("`ISM.12` to `ISM.14`") == ["ISM.14 is not checked"]
    assert asked("`NOT.1`") == ["NOT.1 stands on 00-vocabulary.md, to which the row has no link"]
    assert asked("`tests/test_claims.py::test_nothing`") == ["tests/test_claims.py::test_nothing is no test"]


def counted(score):
    """The score, and how often it has been evaluated."""
    calls = []
    return lambda x: (calls.append(1), score(x))[1], calls


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_the_trace_costs_a_pass_for_every_dimension(dimensions):
    """The model is evaluated once for each dimension and once for the square; along one slice, or with noise, it is
    twice, or once, whatever the dimension."""
    parameters = noise.mlp_parameters(noise.generator(1), (dimensions, 4, dimensions))
    x, cost = noise.normal(noise.generator(2), (3, dimensions)), {}
    for loss, more in (
        (implicit_score_matching, ()),
        (sliced_score_matching, (x[None],)),
        (denoising_score_matching, (x, 0.5)),
    ):
        score, calls = counted(lambda u: models.score(parameters, u))
        loss(score, x, *more)
        cost[loss.__name__] = len(calls)
    assert list(cost.values()) == [dimensions + 1, 2, 1]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_point_by_point_the_loss_has_no_minimum(dimensions):
    """A bump of width h on each of two points: the loss there is −D/h² and nothing else, the narrower the less."""
    x = np.stack([np.zeros(dimensions), np.full(dimensions, 2.0)])
    for h in (0.1, 0.01, 0.001):
        bumps = GaussianMixture(np.array([0.5, 0.5]), x, np.stack([h**2 * np.eye(dimensions)] * 2))
        # The other bump is 2/h ≥ 20 widths away, e^{−200} of this one.
        assert np.allclose(implicit_score_matching(bumps.score, x), -dimensions / h**2, rtol=1e-12, atol=0.0)


def test_the_data_are_not_the_maxima():
    """The Gaussian with the least loss on the data −1 and 3 has its maximum at 1, where there are none of them."""
    x = np.array([[-1.0], [3.0]])
    loss = lambda mean, variance: np.mean(
        implicit_score_matching(Gaussian(np.array([mean]), np.array([[variance]])).score, x)
    )
    # −1/v + (4 + (1 − m)²)/2v² is least at m = 1, the mean, and v = 4, the variance: −1/8.
    assert loss(1.0, 4.0) == -0.125
    others = [loss(mean, variance) for mean in (-1.0, 0.5, 1.0, 1.5, 3.0) for variance in (0.5, 2.0, 3.5, 4.5, 8.0)]
    assert min(others) > -0.125
    best = Gaussian(np.array([1.0]), np.array([[4.0]]))
    assert np.all(np.abs(best.score(x)) == 0.5)  # neither point is stationary
    assert np.all(best.log_prob(x) < best.log_prob(np.array([[1.0]])) - 0.4)
