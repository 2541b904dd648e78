"""A program that the oracle can ask, written from the protocol alone, right but for one thing:

    python child.py MODE PLACE

MODE is a function below, and PLACE where it is done: a case, operation/case; an operation; or "" for everywhere.
"""

import json
import os
import signal
import subprocess
import sys
import time


def write(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def raw(data):
    os.write(1, data)


def rest_for_ever():
    time.sleep(1000)


def scaled(factor, rows):
    return [[factor(i) * entry for entry in row] for i, row in enumerate(rows)]


def column(value):
    return lambda i: value[i][0] if isinstance(value, list) else value


def noise_from_score(score, sigma):
    return scaled(lambda i: -column(sigma)(i), score)


def score_from_noise(noise, sigma):
    return scaled(lambda i: -1 / column(sigma)(i), noise)


def vp_drift(beta_0, beta_1, x, t):
    return scaled(lambda i: -0.5 * (beta_0 + column(t)(i) * (beta_1 - beta_0)), x)


def ve_drift(sigma_min, sigma_max, x, t):
    return scaled(lambda i: 0.0, x)


OPERATIONS = {f.__name__: f for f in (noise_from_score, score_from_noise, vp_drift, ve_drift)}
HELLO = {"status": "ok", "protocol": 1, "name": "a child", "language": "Python", "operations": list(OPERATIONS)}


def nothing(answer):
    write(answer)


def dies(answer):
    sys.stderr.write("the tape \033[31mis torn\n")
    sys.exit(3)


def is_killed(answer):
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(answer):
    rest_for_ever()


def hangs_and_says_so(answer):
    with open(os.environ["CHILD_PID"], "w") as file:
        file.write(str(os.getpid()))
    rest_for_ever()


def leaves_another_behind(answer):
    other = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
    with open(os.environ["CHILD_PID"], "w") as file:
        file.write(str(other.pid))
    sys.exit(0)


def dies_and_never_starts_again(answer):
    open(os.environ["CHILD_DEAD"], "w").close()
    sys.exit(3)


def writes_prose(answer):
    sys.stdout.write("loss = 0.5\n")
    sys.stdout.flush()


def writes_bytes(answer):
    raw(b"\xff\xfe\n")


def writes_an_empty_line(answer):
    raw(b"\n")


def writes_a_list(answer):
    write([1.0])


def floods_a_line(answer):
    while True:
        raw(b"[" * 65536)


def floods_lines(answer):
    while True:
        raw(b'{"id": 0}\n' * 5000)


def floods_errors(answer):
    for _ in range(25):
        sys.stderr.write("warning\n" * 5000)
    write(answer)


def writes_half_a_line(answer):
    raw(b'{"id": 3, "stat')
    rest_for_ever()


def closes_its_output(answer):
    os.close(1)
    rest_for_ever()


def closes_its_input(answer):
    os.close(0)
    rest_for_ever()


def answers_another_case(answer):
    write({**answer, "id": answer["id"] + 1})


def answers_twice(answer):
    write(answer)
    write(answer)


def without_an_id(answer):
    write({k: v for k, v in answer.items() if k != "id"})


def nests_deeply(answer):
    raw(b"[" * 500000 + b"]" * 500000 + b"\n")


def nests_too_deeply(answer):
    raw(
        json.dumps({**answer, "value": 0}).replace('"value": 0', '"value": ' + "[" * 50 + "1" + "]" * 50).encode()
        + b"\n"
    )


def writes_a_bare_nan(answer):
    write({**answer, "value": [[float("nan")]]})


def writes_null(answer):
    write({**answer, "value": None})


def writes_strings(answer):
    write({**answer, "value": [[str(entry) for entry in row] for row in answer["value"]]})


def writes_true(answer):
    write({**answer, "value": True})


def writes_rows_of_different_lengths(answer):
    write({**answer, "value": [answer["value"][0], answer["value"][1][:1]]})


def writes_another_shape(answer):
    write({**answer, "value": [0.5] * 100000})


def writes_a_number_too_large(answer):
    write({**answer, "value": 10**400})


def writes_infinity(answer):
    write({**answer, "value": [["Infinity" for _ in row] for row in answer["value"]]})


def forgets_the_value(answer):
    write({"id": answer["id"], "status": "ok"})


def misspells_a_member(answer):
    write({**answer, "gradients": []})


def says_another_status(answer):
    write({**answer, "status": "fine"})


def says_an_error(answer):
    write({"id": answer["id"], "status": "error", "message": "no such layer"})


def says_unsupported(answer):
    write({"id": answer["id"], "status": "unsupported", "message": "one noise level only"})


def main(mode, place):
    dead = os.environ.get("CHILD_DEAD", "")
    if dead and os.path.exists(dead):
        sys.exit("no second time")
    for line in sys.stdin:
        request = json.loads(line)
        if request["request"] == "hello":
            answer, here = {"id": request["id"], **HELLO}, "hello"
            if mode == "says":
                answer |= json.loads(place)
        else:
            value = OPERATIONS[request["operation"]](**request["arguments"])
            answer = {"id": request["id"], "status": "ok", "value": value}
            here = f"{request['operation']}/{request['case']}"
        wrong = mode != "says" and (here == place or here.split("/")[0] == place or (not place and here != "hello"))
        globals()[mode](answer) if wrong else write(answer)


main(*sys.argv[1:])
