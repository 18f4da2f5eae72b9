"""Signals reach a process whatever becomes of its OpenVINO models."""

import subprocess
import sys

#: Another thread than the one that loaded the first model drops the last one.
CODE = """
import gc, os, signal, threading
from pathlib import Path
from runtimes.factory import load_predictor
from shared.model.artefact import read_artefact

received = []
signal.signal(signal.SIGTERM, lambda *_: received.append(1))
artefact = Path("models/lite0")
manifest = read_artefact(artefact)
models = [load_predictor(artefact, manifest, runtime="openvino")]

def replace():
    models.append(load_predictor(artefact, manifest, runtime="openvino"))
    models.clear()
    gc.collect()

thread = threading.Thread(target=replace)
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGTERM)
print(len(received))
"""


def test_signal_is_handled_after_another_thread_has_dropped_the_models() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr[-2000:]
