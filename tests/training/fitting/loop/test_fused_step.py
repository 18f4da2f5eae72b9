"""The step that JAX compiles as one function, compared with the same step in parts."""

import json
import os
import subprocess
import sys

import pytest

from tests.training.fitting.tiny_run import RECIPE


@pytest.mark.long
def test_fused_step_trains_like_its_parts_and_is_compiled_once() -> None:
    """With drawn augmentation and two teachers; losses, weights and their average differ by rounding alone."""
    command = [sys.executable, "-m", "tests.training.fitting.loop.fused_step_check"]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["fused"] == pytest.approx(result["in_parts"], abs=1e-4)
    assert result["compilations"] == 1
    # AdamW divides by the size of a gradient, so a rounding error of a small one becomes a part of the rate.
    assert result["weights"] < 0.1 * RECIPE.rate
    assert result["average"] < 0.1 * RECIPE.rate
