"""Real third-party code: torchebm's wheels as they were published, each in a process of its own.

$TORCHEBM_0_8_8 and $TORCHEBM_0_8_9 name the folders of the wheels (`pip install --no-deps --target`).
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.torchebm]
OPERATIONS = ("implicit_score_matching", "sliced_score_matching", "denoising_score_matching")


def run(version, *options):
    """What `refimpl check` prints for the adapter with this version of torchebm."""
    folder = os.environ.get("TORCHEBM_" + version.replace(".", "_"))
    if not folder:
        pytest.skip(f"no torchebm {version} installed")
    command = [sys.executable, "-m", "refimpl", "check", "refimpl.examples.torchebm_adapter", *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": folder})
    assert done.stdout, done.stderr
    return done.stdout


def report(version):
    return json.loads(run(version, "--json"))


def statuses(content, operation):
    return {row["status"] for row in content["rows"] if row["operation"] == operation}


def test_0_8_8_has_the_sign_of_its_denoising_loss_inverted():
    content = report("0.8.8")
    assert content["exit_status"] == 1
    assert [(f["operation"], f["name"]) for f in content["findings"]] == [("denoising_score_matching", "score-sign")]
    assert "∇E is matched where −∇E is meant" in content["findings"][0]["sentence"]
    assert statuses(content, "implicit_score_matching") == statuses(content, "sliced_score_matching") == {"pass"}


def test_0_8_9_is_right():
    content = report("0.8.9")
    assert content["exit_status"] == 0 and content["findings"] == []
    assert all("pass" in statuses(content, operation) for operation in OPERATIONS)
