"""The cases of an implementation as tests of pytest: by a decorator, and without a test file by the plugin."""

import subprocess
import sys
from xml.etree import ElementTree

import autograd.numpy as np
import pytest

import refimpl
from refimpl import operations
from refimpl.oracle.parametrize import Checks

pytest_plugins = "pytester"


@pytest.fixture(autouse=True)
def no_module_of_that_name_is_left(monkeypatch):
    """Other tests of this process may have loaded their own."""
    for name in ("theirs", "test_theirs"):
        monkeypatch.delitem(sys.modules, name, raising=False)


REFERENCE = {name: operation.reference for name, operation in operations().items()}
QUIET = ("-p", "no:cacheprovider", "-p", "no:xdist")

# A module of a caller, which counts its calls: a right function, a mistaken one, one that refuses, one that raises, one
# that cannot be called, and one whose name is not quite an operation's.
THEIRS = """
import autograd.numpy as np

calls = []

def tweedie(score, x, alpha, sigma):
    calls.append("tweedie")
    return (x + sigma**2 * score(x)) / alpha

def gaussian_score(mean, covariance, x):
    calls.append("gaussian_score")
    return (x - mean) @ np.linalg.inv(covariance)

def vp_marginal(beta_0, beta_1, t):
    raise NotImplementedError("no VP here")

def vp_drift(beta_0, beta_1, x, t):
    raise KeyError("beta")
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on what is written; returns the result."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def ran(*arguments, tests="", theirs=THEIRS):
        pytester.makepyfile(theirs=theirs)
        if tests:
            pytester.makepyfile(test_theirs="import refimpl, theirs\n" + tests)
        return pytester.runpytest_inprocess(*QUIET, *arguments)

    return ran


DECORATED = """
@refimpl.parametrize(theirs{})
def test_theirs(row):
    row.assert_ok()
"""


def outcomes(result):
    return {key: count for key, count in result.parseoutcomes().items() if key not in ("seconds", "warnings")}


def test_every_case_is_a_test_with_its_own_outcome(run):
    result = run("-rs", tests=DECORATED.format(""))
    passing, wrong, refused, raised = (
        len(Checks({name: REFERENCE[name]}).rows) for name in ("tweedie", "gaussian_score", "vp_marginal", "vp_drift")
    )
    assert outcomes(result) == {"passed": passing, "failed": wrong + raised, "skipped": refused}
    result.stdout.fnmatch_lines(["*unsupported: not implemented: no VP here"])
    result.stdout.fnmatch_lines(["*AssertionError: vp_drift/*: error: raised KeyError: 'beta' (*theirs.py:*"])


def test_a_failure_says_what_the_mistake_is(run):
    result = run("-k", "gaussian_score/D2-B4", tests=DECORATED.format(""))
    assert outcomes(result)["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: gaussian_score/D2-B4: fail: value * is right*",
            "*mistake: score-sign",
            "*The score has the wrong sign*",
            "*equation: *(GAU.3)*derivations/11-gaussian.md",
            "*evidence: it gives your value on all 4 cases*",
        ]
    )


def test_nothing_is_called_before_a_test_runs_and_nothing_twice(run):
    """Each operation is evaluated once, for all its four cases and the first with all its digits."""
    counted = """
def test_none():
    assert theirs.calls == []

@refimpl.parametrize(theirs, operations=["tweedie"])
def test_theirs(row):
    row.assert_ok()
    assert len(theirs.calls) == 5
"""
    assert outcomes(run(tests=counted)) == {"passed": 5}


def test_nothing_is_called_by_collecting(run):
    result = run("--collect-only", "-q", tests=DECORATED.format("") + "\nassert theirs.calls == []\n")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["test_theirs.py::test_theirs?tweedie/D3-B5?"])


def test_an_expected_failure_is_a_strict_xfail(run):
    expected = ", operations=['tweedie', 'gaussian_score'], expected_failures={}"
    result = run(tests=DECORATED.format(expected.format("{'gaussian_score': 'we know', 'tweedie': 'we thought'}")))
    assert outcomes(result) == {"xfailed": 4, "failed": 4}
    result.stdout.fnmatch_lines(["*unexpected-pass: expected to fail: we thought"])
    result = run("-rx", tests=DECORATED.format(expected.format("{'gaussian_score/D2-B4': 'we know'}")))
    assert outcomes(result) == {"xfailed": 1, "failed": 3, "passed": 4}
    result.stdout.fnmatch_lines(["XFAIL *gaussian_score/D2-B4* - expected: we know (value *"])


def test_an_implementation_without_operations_fails(run):
    result = run(tests=DECORATED.format(""), theirs="x = 1")
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(["*0 cases: the implementation has no callable under the name of an operation*"])


def test_a_name_that_is_nearly_an_operation_and_a_bad_signature_fail(run):
    theirs = "def gausian_score(mean, covariance, x): pass\ndef tweedie(score): pass\n"
    result = run(tests=DECORATED.format(""), theirs=theirs)
    assert outcomes(result) == {"failed": 5}
    result.stdout.fnmatch_lines(["*did you mean gaussian_score?"])
    result.stdout.fnmatch_lines(["*tweedie/signature: error: its signature is (score)*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"framework": "fortran"}, "framework is 'fortran'"),
        ({"operations": ["tweedy"]}, "operations has 'tweedy'"),
        ({"conventions": {"modle": "energy"}}, "conventions has the key 'modle'"),
        ({"expected_failures": {"tweedy": "?"}}, "expected_failures has 'tweedy'"),
    ],
)
def test_a_bad_argument_is_named_where_it_is_written(arguments, message):
    with pytest.raises(ValueError, match=message):
        refimpl.parametrize({"tweedie": REFERENCE["tweedie"]}, **arguments)


def plain_numpy(score, x):
    """Traced by nothing: its value can be compared, its gradient cannot."""
    return np.array([float(v) for v in REFERENCE["implicit_score_matching"](score, x)])


def test_a_gradient_that_cannot_be_had_is_a_skip_that_says_so():
    first, *_ = Checks({"implicit_score_matching": plain_numpy}).rows
    with pytest.raises(pytest.skip.Exception, match="the value is right, and the gradient is not compared: autograd"):
        first.assert_ok()
    values_only = Checks({"implicit_score_matching": plain_numpy}, conventions={"gradient": "none"})
    values_only.rows[0].assert_ok()
    assert (first.status, values_only.rows[0].status) == ("unsupported", "pass")


def test_a_row_may_be_looked_at():
    row = Checks({"gaussian_score": lambda m, c, x: -REFERENCE["gaussian_score"](m, c, x)}).rows[0]
    assert (repr(row), row.status, row.findings[0].name) == ("gaussian_score/D3-B5", "fail", "score-sign")
    assert row.units > 64.0 and "is right" in row.detail


def test_a_row_of_no_case_is_lost_by_no_test():
    """Whatever rows a report has, the tests of its operation together say them all."""
    checks = Checks({"tweedie": REFERENCE["tweedie"]})
    report = checks.report("tweedie")
    odd = refimpl.Row("tweedie", "a statistic", "fail", 3.0, (), "off")
    checks.report = lambda name: refimpl.Report((*report.rows, odd))
    assert [row.status for row in checks.rows] == ["fail", "pass", "pass", "pass"]


PLUGIN = ("-p", "refimpl.pytest_plugin")


def test_the_plugin_checks_a_file_without_a_test_file(run, pytester):
    result = run(*PLUGIN, "--refimpl-check", "theirs.py", "--junitxml", "out.xml", "-k", "tweedie or gaussian or least")
    assert outcomes(result) == {"passed": 5, "failed": 4, "deselected": result.parseoutcomes()["deselected"]}
    result.stdout.fnmatch_lines(
        ["refimpl 0.*: numpy *; checking theirs.py", "*gaussian_score/D3-B5: fail:*", "*mistake: score-sign"]
    )
    tests = ElementTree.parse(pytester.path / "out.xml").getroot().iter("testcase")
    assert {"tweedie/D3-B5", "gaussian_score/D2-B4", "at-least-1-cases"} <= {test.get("name") for test in tests}


def test_the_plugin_reads_what_the_file_says_of_itself(run):
    theirs = THEIRS + "expected_failures = {'gaussian_score': 'we know'}\nframework = 'numpy'\n"
    assert outcomes(run(*PLUGIN, "--refimpl-check", "theirs.py", "-k", "gaussian", theirs=theirs))["xfailed"] == 4


def test_the_plugin_runs_nothing_else(run, pytester):
    result = run(*PLUGIN, "--refimpl-check", "theirs", "-k", "tweedie", tests="def test_tweedie_too(): assert False")
    assert outcomes(result)["passed"] == 4 and "failed" not in outcomes(result)
    result = run(*PLUGIN, "--refimpl-check", "theirs", "test_theirs.py", tests="def test_one(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--refimpl-check runs nothing else; leave test_theirs.py out"])


def test_the_plugin_wants_enough_cases(run):
    few = "def vp_marginal(beta_0, beta_1, t): raise NotImplementedError('no')"
    result = run(*PLUGIN, "--refimpl-check", "theirs", theirs=few)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["0 cases ran; at least 1 should have"])
    result = run(*PLUGIN, "--refimpl-check", "theirs", "--refimpl-min-cases", "90", "-k", "least")
    result.stdout.fnmatch_lines(["8 cases ran; at least 90 should have"])
    assert run(*PLUGIN, "--refimpl-check", "theirs", "--refimpl-min-cases", "0").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere.py", "refimpl: nowhere.py does not exist"),
        ("broken.py", "refimpl: broken.py cannot be imported: Zero*"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_an_error_of_collection(run, pytester, target, message):
    pytester.makepyfile(broken="1 / 0")
    result = run(*PLUGIN, "--refimpl-check", target)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([message])


def test_the_plugin_is_not_there_unless_it_is_asked_for(pytester):
    result = pytester.runpytest_inprocess(*QUIET, "--refimpl-check", "theirs.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_it_runs_in_several_processes(pytester):
    pytester.makepyfile(theirs=THEIRS)
    result = pytester.runpytest_subprocess("-n", "2", *PLUGIN, "--refimpl-check", "theirs", "-k", "tweedie or gaussian")
    assert {key: outcomes(result)[key] for key in ("passed", "failed")} == {"passed": 4, "failed": 4}


def test_a_module_says_itself_what_it_assumes(run):
    theirs = "from refimpl.objectives import explicit_score_matching as right\n"
    theirs += "conventions = {'factor': 2.0}\n"
    theirs += "def explicit_score_matching(score, data_score, x):\n    return 2.0 * right(score, data_score, x)\n"
    tests = "@refimpl.parametrize(theirs, framework='numpy')\ndef test_theirs(row):\n    row.assert_ok()\n"
    assert set(outcomes(run(tests=tests, theirs=theirs))) == {"passed"}


def test_pytest_is_imported_by_its_use_alone():
    code = "import refimpl, sys; refimpl.check({}).to_html(); from refimpl.oracle import parametrize; "
    code += "print('pytest' in sys.modules); sys.modules['pytest'] = None; parametrize({})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert done.stderr.strip().endswith("ImportError: refimpl.parametrize needs pytest: pip install 'refimpl[test]'")
