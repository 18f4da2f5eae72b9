"""The step that JAX compiles as one function, compared with the same step in parts."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("fields", "loss_error", "weight_error"),
    [
        ({}, 1e-4, 3e-4),
        # As on a GPU.
        ({"precision": "bfloat16", "depthwise": "shifts"}, 1e-3, 3e-4),
    ],
    ids=["float32", "bfloat16 with shifts"],
)
def test_fused_step_trains_like_its_parts_and_is_compiled_once(
    fields: dict[str, str], loss_error: float, weight_error: float
) -> None:
    """With drawn augmentation and two teachers; losses, weights and their average differ by rounding alone."""
    command = [sys.executable, "-m", "tests.training.fitting.loop.fused_step_check", json.dumps(fields)]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["fused"] == pytest.approx(result["in_parts"], abs=loss_error)
    assert result["compilations"] == 1
    assert result["weights"] < weight_error
    assert result["average"] < weight_error
