"""Training by Keras' other backends without TensorFlow. PyTorch (half a gigabyte) is tested only if it is installed."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

#: Hides TensorFlow, as on a machine without it. Keras also looks for it among the loaded modules.
SCRIPT = """
import runpy, sys
from importlib.machinery import PathFinder

class WithoutTensorFlow(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "tensorflow" else super().find_spec(name, path, target)

sys.meta_path[:] = [WithoutTensorFlow if finder is PathFinder else finder for finder in sys.meta_path]
runpy.run_module("tests.training.fitting.tiny_run", run_name="__main__")
"""


@pytest.mark.long
@pytest.mark.parametrize("backend", ["jax", *(["torch"] if find_spec("torch") else [])])
def test_loss_falls_without_tensorflow(backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, last = map(float, done.stdout.split()[-2:])
    assert last < 0.7 * first
