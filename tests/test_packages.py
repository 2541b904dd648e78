"""Real third-party code: packages as they were published, each with its adapter in a process of its own.

$REFIMPL_PACKAGES names a folder with a folder for every release (`pip install --no-deps --target`), as `.ci/run` makes
it. The README's table is what is expected: which operations are right, which under what convention, which are wrong
and what they are called.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

pytestmark = [pytest.mark.torch, pytest.mark.packages]
ROW = re.compile(r"^\| \[(\S+)\]\(\S+\) (\S+) \|(.*?)\|(.*?)\|(.*?)\| `refimpl check (\S+)` \|$", re.MULTILINE)
TABLE = ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def run(release, adapter, *options):
    """What `refimpl check` prints for the adapter with this release of its package."""
    folder = Path(os.environ.get("REFIMPL_PACKAGES", "")) / release
    if "REFIMPL_PACKAGES" not in os.environ or not folder.is_dir():
        pytest.skip(f"no {release} installed")
    command = [sys.executable, "-W", "ignore", "-m", "refimpl", "check", adapter, *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(folder)})
    assert done.stdout, done.stderr
    return done.stdout


def operations(cell):
    """The operations that a cell of the table names, each with what stands in brackets after it."""
    return dict(re.findall(r"`(\w+)`(?: \((.*?)\)(?=,|\s*$))?", cell))


def conventions(content):
    """operation -> what was declared for it, as the table writes it."""
    declared = {name: said for name, said in content["conventions"].items() if said}
    return {name: ", ".join(f"{key} = {value}" for key, value in said.items()) for name, said in declared.items()}


def test_there_is_a_row_for_every_adapter():
    adapters = {f"refimpl.examples.{path.stem}" for path in (ROOT / "refimpl" / "examples").glob("*_adapter.py")}
    assert {row[5] for row in TABLE} == adapters and len(adapters) >= 5


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_verdict_is_that_of_the_table(row):
    package, version, right, under_convention, wrong, adapter = row
    content = json.loads(run(f"{package}=={version}", adapter, "--json"))
    statuses = {}
    for case in content["rows"]:
        statuses.setdefault(case["operation"], set()).add(case["status"])
    declared = conventions(content)
    passed = {name for name, found in statuses.items() if "pass" in found and not found & {"fail", "error"}}
    assert {name for name in passed if name not in declared} == set(operations(right))
    assert {name: declared[name] for name in passed if name in declared} == operations(under_convention)
    first = {}
    for finding in content["findings"]:
        first.setdefault(finding["operation"], finding["name"])
    assert first == operations(wrong)
    assert set(statuses) == passed | set(first), "a row that is neither right nor named"
