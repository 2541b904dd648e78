"""Programs in other languages: whatever one does, it costs the case that it was asked, and nothing is left of it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from refimpl.cli import main
from refimpl.oracle import child, judge
from refimpl.oracle.adapters import exec as programs
from refimpl.oracle.adapters.exec import Program, evaluate, introduced, read
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.encoding import parsed, shown
from refimpl.oracle.loading import LoadingError
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.tolerance import UNITS

OPERATION = operations()["noise_from_score"]
CASES = cases_of("noise_from_score")
WRONG = CASES[1]
# Long where an answer is waited for that comes, however busy the machine is; short where none comes.
PATIENT, IMPATIENT = 100.0, 0.2

# What the child has, in the order in which it is asked.
NAMES = ("ve_drift", "vp_drift", "noise_from_score", "score_from_noise")
COUNT = sum(len(cases_of(name)) for name in NAMES)

posix = pytest.mark.skipif(os.name != "posix", reason="signals and groups of processes")


def command(mode="nothing", place=""):
    return shlex.join([sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py")), mode, place])


@pytest.fixture
def children(monkeypatch):
    """Every child that is started; afterwards nothing may be left of any."""
    started = []
    start = child.Child.__init__

    def recorded(self, words):
        start(self, words)
        started.append(self)

    monkeypatch.setattr(child.Child, "__init__", recorded)
    yield started
    assert all(one.process.returncode is not None for one in started)
    assert not [thread for one in started for thread in one._threads if thread.is_alive()]
    assert all(pipe.closed for one in started for pipe in (one.process.stdin, one.process.stdout, one.process.stderr))


def gone(pid):
    """Whether a process that is no child of ours has ended, some time soon."""
    for _ in range(1000):
        state = Path(f"/proc/{pid}/stat")
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True  # ended, and waiting for a parent that does not ask
        time.sleep(0.02)
    return False


def trials(program, wrong_seconds=PATIENT):
    """The operation at every case, by name."""
    made = {}
    for case in CASES:
        program.timeout = wrong_seconds if case is WRONG else PATIENT
        made[case.name] = judge.run(evaluate, program.outcome, OPERATION, case, Conventions(model=OPERATION.models[0]))
    return made


def right(trial):
    return trial.outcome.value is not None and max(trial.units) <= UNITS


# what a program does at one case -> what the row of that case says, and whether the program was lost
LOST = {
    "dies": "the program ended with exit status 3; its standard error ends: the tape [31mis torn",
    "is_killed": "the program was ended by SIGKILL",
    "hangs": "the program did not answer within 0.2 seconds; it must flush its output after every line",
    "writes_prose": 'the program wrote a line that is no JSON: "loss = 0.5"',
    "writes_bytes": "the program wrote a line that is no JSON",
    "writes_an_empty_line": 'the program wrote a line that is no JSON: ""',
    "writes_a_list": "the program wrote a line that is no JSON object: [1.0]",
    "floods_a_line": "the program wrote more than 1048576 bytes without a new line",
    "floods_lines": "the program answered with the id 0, where 3 was asked; a request has one answer",
    "writes_half_a_line": "the program wrote 15 bytes and no new line in 3 seconds",
    "closes_its_output": "the program closed its standard output",
    "closes_its_input": "the program did not answer within 0.2 seconds",
    "answers_another_case": "the program answered with the id 4, where 3 was asked",
    "without_an_id": "the program answered with the id null, where 3 was asked",
    "nests_deeply": "the program wrote a line that is no JSON",
}
KEPT = {
    "nests_too_deeply": "value[0][0][0][0][0][0][0][0] is nested too deeply",
    "writes_a_bare_nan": 'value[0][0] is the bare word NaN, which is no JSON: write the string "NaN"',
    "writes_null": 'value is null; it needs a number, or the string "NaN", "Infinity" or "-Infinity"',
    "writes_strings": 'value[0][0] is "0.7030029296875"; it needs a number',
    "writes_true": "value is true; it needs a number",
    "writes_rows_of_different_lengths": "value is no array: it holds parts of shapes (2,) and (1,)",
    "writes_another_shape": "returned shape (100000,); it needs (4, 2)",
    "writes_a_number_too_large": "value is a whole number beyond float64",
    "forgets_the_value": "it has no value; it needs id, status, value",
    "misspells_a_member": 'it has the member "gradients"; known are id, status, value, gradient, dtype, message',
    "says_another_status": 'status is "fine"; it needs to be ok, unsupported, error',
    "says_an_error": "the program answered an error: no such layer",
    "says_unsupported": "not implemented: one noise level only",
}
# How long is waited for those that say nothing; for one that says something first, long enough for that.
SILENT = {"hangs": IMPATIENT, "closes_its_input": IMPATIENT, "writes_half_a_line": 3.0}


@posix
@pytest.mark.parametrize("mode", [*LOST, *KEPT])
def test_what_a_program_does_wrong_costs_one_case(mode, children):
    with Program(command(mode, WRONG.id)) as program:
        made = trials(program, SILENT.get(mode, PATIENT))
    outcome = made[WRONG.name].outcome
    assert outcome.status == ("unsupported" if mode == "says_unsupported" else "error")
    assert {**LOST, **KEPT}[mode] in outcome.problem
    assert all(right(trial) for name, trial in made.items() if name != WRONG.name)
    assert program.starts == (2 if mode in LOST else 1)
    assert all(len(one._unread) <= child.LONGEST + child.CHUNK and one._chunks.maxsize for one in children)


def test_an_answer_too_many_costs_the_case_after_it(children):
    with Program(command("answers_twice", WRONG.id)) as program:
        made = trials(program)
    assert [name for name, trial in made.items() if not right(trial)] == [CASES[2].name]
    assert "answered with the id 3, where 4 was asked; a request has one answer" in made[CASES[2].name].outcome.problem


def test_a_program_that_does_not_read_is_not_waited_for(children):
    """Though more is written to it than the pipe takes."""
    idle = child.Child([sys.executable, "-I", "-S", "-c", "import time; time.sleep(1000)"])
    with pytest.raises(child.Broken, match="did not answer within"):
        idle.ask(b"x" * 2**22, IMPATIENT)
    idle.stop()


def test_an_answer_that_is_nested_beyond_the_stack_can_still_be_spoken_of():
    nested = []
    for _ in range(100000):
        nested = [nested]
    assert shown(nested) == "nested too deeply to be shown"


def test_what_a_program_writes_to_its_standard_error_does_not_stop_it(children):
    with Program(command("floods_errors")) as program:
        assert all(map(right, trials(program).values()))
        assert len(children[0]._errors) <= child.TAIL


def test_an_infinite_answer_is_an_error_of_its_row(capsys):
    assert main(["check", "--exec", command("writes_infinity", WRONG.id), "--operation", OPERATION.name]) == 2
    assert "where every entry should be finite" in capsys.readouterr().out


@posix
def test_what_a_program_leaves_behind_is_ended_with_it(tmp_path, monkeypatch, children):
    """It has ended itself, and its output is still open."""
    monkeypatch.setenv("CHILD_PID", str(tmp_path / "pid"))
    with Program(command("leaves_another_behind", WRONG.id)) as program:
        made = trials(program, 3.0)
    assert [name for name, trial in made.items() if not right(trial)] == [WRONG.name]
    assert made[WRONG.name].outcome.problem == "the program ended with exit status 0"
    assert gone((tmp_path / "pid").read_text())


def test_a_program_that_dies_in_every_case_costs_little(capsys, children):
    assert main(["check", "--exec", command("dies"), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    details = [row["detail"] for row in report["rows"]]
    assert {row["status"] for row in report["rows"]} == {"error"} and len(children) == 9
    assert len(details) == COUNT
    in_a_row = "not asked: the program failed to answer 3 cases of this operation in a row"
    assert sum(detail == in_a_row for detail in details) == sum(len(cases_of(name)) - 3 for name in NAMES[:3])
    given_up = "not asked: 3 operations in a row were given up, noise_from_score, ve_drift, vp_drift"
    assert sum(detail == given_up for detail in details) == len(cases_of(NAMES[3]))
    assert "the program was started 9 times" in report["notes"][-1]


def test_an_operation_in_which_it_always_dies_costs_no_other(capsys, children):
    assert main(["check", "--exec", command("dies", "vp_drift"), "--json"]) == 2
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["status"] for row in rows if row["operation"] != "vp_drift"} == {"pass"} and len(children) == 4


def test_a_program_that_does_not_start_again_is_not_tried_for_ever(tmp_path, monkeypatch, children):
    monkeypatch.setenv("CHILD_DEAD", str(tmp_path / "dead"))
    with Program(command("dies_and_never_starts_again", CASES[0].id)) as program:
        problems = [program.outcome(OPERATION, case, Conventions(), False).problem for case in CASES]
        assert problems[0] == "the program ended with exit status 3"
        assert "did not start: it ended with exit status 1; its standard error ends: no second time" in problems[1]
        again = program.outcome(operations()["vp_drift"], cases_of("vp_drift")[0], Conventions(), False).problem
        more = program.outcome(operations()["vp_drift"], cases_of("vp_drift")[1], Conventions(), False).problem
    assert "did not start" in again and more == "not asked: the program could not be started 3 times in a row"
    assert len(children) == 4


# a command -> what one line of standard error says
UNSTARTABLE = {
    "refimpl-no-such-program x": "refimpl-no-such-program x cannot be started: No such file or directory",
    "": "--exec is empty; it needs a program and its arguments",
    "node 'client.mjs": '--exec is "node \'client.mjs", which cannot be read: No closing quotation',
    command("dies", "hello"): "did not start: it ended with exit status 3; its standard error ends: the tape",
    command("writes_prose", "hello"): 'did not start: it wrote a line that is no JSON: "loss = 0.5"',
    command("says", '{"protocol": 2}'): "in its answer to hello protocol is 2; this is refimpl's protocol 1",
    command("says", '{"conventions": {"modle": "energy"}}'): "conventions has the key 'modle'",
    command("says", '{"expected_failures": {"nothing": "why"}}'): "expected_failures has 'nothing'",
}


@posix
@pytest.mark.parametrize("text", UNSTARTABLE, ids=range(len(UNSTARTABLE)))
def test_a_program_that_does_not_start_is_one_line_and_exit_status_2(text, capsys, children):
    assert main(["check", "--exec", text]) == 2
    out, err = capsys.readouterr()
    assert UNSTARTABLE[text] in err and err.count("\n") == 1 and out == ""


def test_a_program_that_hangs_at_its_start_is_not_waited_for(monkeypatch, children):
    monkeypatch.setattr(programs, "STARTING", IMPATIENT)
    with pytest.raises(LoadingError, match=r"did not start: it did not answer within 0\.2 seconds"):
        with Program(command("hangs", "hello"), IMPATIENT):
            pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["theirs.py", "--exec", "node client.mjs"], "a target, theirs.py, do not go together"),
        (["--exec", "node client.mjs", "--framework", "torch"], "--framework, torch, do not go together"),
        (["--timeout", "3"], "--timeout is for a program that --exec names"),
        (["--exec", "node client.mjs", "--timeout", "0"], "--timeout is 0; it needs a positive number"),
        (["--exec", "node client.mjs", "--timeout", "nan"], "--timeout is nan; it needs a positive number"),
    ],
)
def test_options_that_do_not_go_together(arguments, message, capsys):
    assert main(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_right_program(capsys, children):
    assert main(["check", "--exec", command(), "--timeout", "100"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{command()} · a child, Python\n")
    assert f"right: {COUNT} cases ran ({COUNT} pass, 0 fail" in out
    assert len(children) == 1 and children[0].process.returncode == 0, "ended by the end of its input"


def test_a_program_is_asked_re_draws_too(capsys):
    assert main(["check", "--exec", command(), "--timeout", "100", "--redraws", "2", "--seed", "7"]) == 0
    assert capsys.readouterr().out.count("all 2 re-draws") == len(NAMES)


def test_what_a_program_says_of_itself(capsys):
    hello = {
        "operations": ["noise_from_score", "vp_drit", "my_own_loss"],
        "expected_failures": {"noise_from_score": "was wrong once"},
        "conventions": {"ve_marginal": {"ve_kernel": "sigma(t)"}},
    }
    assert main(["check", "--exec", command("says", json.dumps(hello)), "--timeout", "100"]) == 1
    out = capsys.readouterr().out
    assert "unexpected-pass" in out and "which is no operation; did you mean vp_drift?" in out
    assert "the program has operations that are none here: vp_drit, my_own_loss" in out


def test_an_operation_that_the_program_does_not_have(capsys):
    assert main(["check", "--exec", command(), "--operation", "langevin"]) == 2
    assert "the implementation has no such member" in capsys.readouterr().out


# What is started in the background ignores the interrupt, and a supervisor may ignore or block either signal.
HEARS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, signal.SIGTERM])
from refimpl.cli import main
{}
sys.exit(main(sys.argv[1:]))
"""
# The system may give a signal to any thread that does not block it: here to one of those that serve the pipes.
ANOTHER_THREAD_HEARS = """
from refimpl.oracle.child import Child
ask = Child.ask
def deaf(*asked):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    return ask(*asked)
Child.ask = deaf
"""


@posix
@pytest.mark.parametrize("request_to_end, before", [("SIGINT", ""), ("SIGINT", ANOTHER_THREAD_HEARS), ("SIGTERM", "")])
def test_who_is_interrupted_ends_the_program(request_to_end, before, tmp_path):
    place = tmp_path / "pid"
    run = [sys.executable, "-X", "faulthandler", "-c", HEARS.format(before)]
    with subprocess.Popen(
        [*run, "check", "--exec", command("hangs_and_says_so"), "--timeout", "1000"],
        env={**os.environ, "CHILD_PID": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        while not (place.exists() and place.read_text()):
            assert asking.poll() is None
            time.sleep(0.02)
        asking.send_signal(getattr(signal, request_to_end))
        try:
            said = asking.communicate(timeout=60)[1]
        except subprocess.TimeoutExpired:
            asking.send_signal(signal.SIGABRT)  # it says where it stands
            said = asking.communicate()[1]
    assert said == "refimpl: interrupted\n" and asking.returncode == 2
    assert gone(place.read_text())


def test_under_a_convention_that_changes_what_is_handed_over_a_program_is_not_asked(capsys):
    """The program's times would be the other ones, and with them its networks and SDEs, which it has no words for."""
    says = {"conventions": {"time": "1=data"}}
    chosen = ["--operation", "vp_drift", "--operation", OPERATION.name]
    assert main(["check", "--exec", command("says", json.dumps(says)), "--timeout", "100", *chosen]) == 2
    out = capsys.readouterr().out
    assert "; no case ran of: vp_drift\n" in out
    count = len(cases_of("vp_drift"))
    assert out.count("a program is not asked under time = 1=data; let it convert") == count
    assert f"({len(CASES)} pass, 0 fail, {count} unsupported, " in out


def test_a_program_is_asked_for_the_model_that_it_declared():
    with Program(command("says", '{"operations": ["implicit_score_matching"]}'), PATIENT) as program:
        operation, case = operations()["implicit_score_matching"], cases_of("implicit_score_matching")[0]
        outcome = judge.run(evaluate, program.outcome, operation, case, Conventions(model="energy")).outcome
    assert (outcome.status, outcome.problem) == ("unsupported", "the program is asked for model = score alone")


# ---- Answers, without a program ----

TRAINED = operations()["gan_contrast"]
GIVEN = cases_of("gan_contrast")[0]
SIZE = sum(w.size + b.size for w, b in GIVEN.networks["logit"]["energy"]) + GIVEN.inputs["y"].size


def answered(with_gradient=True, **members):
    answer = {"id": 1, "status": "ok", "value": 0.5, **members}
    return read(parsed(json.dumps(answer).encode()), TRAINED, GIVEN, "log_density", with_gradient)


def test_an_answer_with_its_gradient():
    outcome = answered(gradient=[0.25] * SIZE, value=[0.5, 1.5])
    assert outcome.value.tolist() == [0.5, 1.5] and outcome.shape == (2,) and not outcome.problem
    assert outcome.gradient.shape == (SIZE,) and not outcome.detached
    assert outcome.epsilon == np.finfo(np.float64).eps


def test_an_answer_in_single_precision_has_its_epsilon():
    assert answered(dtype="float32").epsilon == np.finfo(np.float32).eps
    assert answered(dtype="float32", value=1e300).value == np.inf


def test_an_answer_without_the_gradient_has_its_value_compared():
    for outcome in (answered(), answered(gradient=None)):
        assert (outcome.status, outcome.problem) == ("unsupported", "the program gave no gradient")
        assert outcome.value == 0.5
    assert answered(with_gradient=False, gradient=[1.0]).problem == ""


def test_a_gradient_of_zeros_is_detached():
    assert answered(gradient=[0.0] * SIZE).detached


def test_an_answer_of_several_arrays():
    outcome = answered(with_gradient=False, value={"tuple": [1, [[0.5], [0.25]]]})
    assert outcome.shape == ((), (2, 1)) and outcome.value.tolist() == [1.0, 0.5, 0.25]


def test_an_empty_answer_is_written_with_its_shape():
    assert answered(False, value={"shape": [0, 3], "dtype": "float64", "values": []}).shape == (0, 3)


# members of an answer -> what is said of them
NO_ANSWERS = [
    ({"gradient": [0.5] * (SIZE + 1)}, rf"gradient has shape \({SIZE + 1},\); it needs \({SIZE},\)"),
    ({"gradient": 0.5}, r"gradient has shape \(\); it needs"),
    ({"gradient": ["0.5"] * SIZE}, r'gradient\[0\] is "0.5"; it needs a number'),
    ({"dtype": "float16"}, 'dtype is "float16"; it needs to be float64 or float32'),
    ({"value": []}, "value is an empty list; an empty array is written with its shape"),
    ({"value": {"tuple": []}}, r"value.tuple is \[\]; it needs a list"),
    ({"value": {"tuple": [1], "more": 2}}, 'value has the member "more"; known are tuple'),
    ({"value": {"shape": [2], "dtype": "float64", "values": [1.0]}}, r"its shape needs a list of 2 numbers"),
    ({"value": {"shape": [-1], "dtype": "float64", "values": []}}, r"value.shape is \[-1\]"),
    ({"value": {"shape": [1], "dtype": "int8", "values": [1]}}, 'value.dtype is "int8"'),
    ({"status": "error", "message": 3, "value": 1}, 'it has the member "value"; known are id, status, message'),
    ({"status": ["ok"]}, r'status is \["ok"\]; it needs to be'),
]


@pytest.mark.parametrize(("members", "message"), NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_is_told_by_its_field(members, message):
    with pytest.raises(ValueError, match=message):
        answered(**members)


def test_a_message_must_be_text_and_is_made_readable():
    with pytest.raises(ValueError, match="message is 3; it needs a string"):
        read({"id": 1, "status": "error", "message": 3}, TRAINED, GIVEN, "log_density", True)
    outcome = read({"id": 1, "status": "error", "message": "a\n\033b" + "c" * 9999}, TRAINED, GIVEN, "energy", True)
    assert outcome.problem.startswith("the program answered an error: a bc") and len(outcome.problem) < 600
    assert outcome.refused


HELLO = {"id": 1, "status": "ok", "protocol": 1, "name": "theirs", "language": "Rust", "operations": ["tweedie"]}
NO_HELLOS = [
    ({"status": "error", "message": "no licence"}, "status is error: no licence"),
    ({"status": "unsupported"}, 'status is "unsupported"; it needs to be ok or error'),
    ({"protocol": "1"}, 'protocol is "1"'),
    ({"protocol": True}, "protocol is true"),
    ({"name": 3}, "name is 3; it needs a string"),
    ({"language": None}, "language is null; it needs a string"),
    ({"operations": "tweedie"}, 'operations is "tweedie"; it needs a list of names'),
    ({"operations": [3]}, r"operations is \[3\]; it needs a list of names"),
    ({"conventions": []}, r"conventions is \[\]; it needs an object"),
    ({"more": 1}, 'it has the member "more"; known are id, status'),
]


@pytest.mark.parametrize(("members", "message"), NO_HELLOS, ids=range(len(NO_HELLOS)))
def test_what_is_no_hello_is_told_by_its_field(members, message):
    assert introduced(HELLO).language == "Rust"
    with pytest.raises(ValueError, match=message):
        introduced({**HELLO, **members})
