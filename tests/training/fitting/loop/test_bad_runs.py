"""Runs that cannot end well: they stop with one sentence and keep what was good."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.fitting.tiny_run import train_tiny
from training.errors import TrainingError
from training.fitting.loop.checkpoint import CHECKPOINT_NAME, load_checkpoint
from training.fitting.loop.trainer import Trainer

pytestmark = pytest.mark.slow


def test_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Trainer.train_on_batch
    steps = 0

    def fail_in_second_epoch(self: Trainer, images: np.ndarray, targets: np.ndarray) -> float:
        nonlocal steps
        steps += 1
        return float("nan") if steps > 5 else train(self, images, targets)

    monkeypatch.setattr(Trainer, "train_on_batch", fail_in_second_epoch)
    with pytest.raises(TrainingError, match="no number in epoch 2"):
        train_tiny(tmp_path)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint is not None
    assert checkpoint.epochs == 1
    assert all(np.isfinite(values).all() for values in checkpoint.average.values())


def test_finished_run_keeps_the_averaged_weights_alone(tmp_path: Path) -> None:
    weights, _ = train_tiny(tmp_path, epochs=1)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint is not None
    assert not checkpoint.state
    assert np.array_equal(checkpoint.average["head_phone/kernel"], weights["head_phone/kernel"])


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_damaged_checkpoint_is_one_sentence(tmp_path: Path, kept: int) -> None:
    whole = tmp_path / "whole.npz"
    np.savez(whole, recipe=np.array("{}"), epochs=np.array(1), numbers=np.arange(2000))
    (tmp_path / CHECKPOINT_NAME).write_bytes(whole.read_bytes()[:kept])
    with pytest.raises(TrainingError, match="damaged or of another version"):
        load_checkpoint(tmp_path)
