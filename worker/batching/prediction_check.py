"""Checks the model's output against the runtimes' protocol, and tests whether a device that breaks it is broken."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor

#: How far shares may be from [0, 1] and their sum from 1. Half-precision devices round by less.
_TOLERANCE: Final = 0.02


#: Grey of the images with which a device is tested.
_TEST_GREY: Final = 128


class DeviceFault(Exception):
    """Raised when a device gives no answer to any image any more. The message is one sentence."""


def make_test_images(count: int, size: int) -> NDArray[np.uint8]:
    """Return grey images, uint8 [count, size, size, 3]. A sound device answers them, so they are used to test it."""
    return np.full((count, size, size, 3), _TEST_GREY, np.uint8)


def find_device_fault(predictor: Predictor, count: int, size: int) -> DeviceFault | None:
    """Test a device that was sound when the model was loaded.

    Args:
        predictor: The model on that device.
        count: Size of the batch of test images.
        size: Side of the model's input in pixels.

    Returns:
        What the worker says when it stops, if the device has no answer to the test images; None for a sound device.
    """
    try:
        is_sound = find_valid_rows(predictor.predict(make_test_images(count, size))).all()
        problem = "" if is_sound else "its output is not finite or out of range"
    except Exception as error:  # noqa: BLE001 - what a runtime raises is not known here
        problem = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
    if not problem:
        return None
    return DeviceFault(
        f"the device {predictor.device} ({predictor.runtime}) has stopped giving answers, also to a test image that it"
        f" answered at the start ({problem}): no image is to blame, and all were released; check the"
        " device, or choose another one with MELANOMA_DEVICE."
    )


def find_valid_rows(predictions: PredictionBatch) -> NDArray[np.bool_]:
    """Return for each image whether its outputs are finite and in range. Comparisons with NaN are false.

    Evidence is not checked: the evidence map shows a value that is not finite as no evidence.
    """
    return (
        _are_shares(predictions.probabilities)
        & _are_shares(predictions.kinds)
        & np.isfinite(predictions.distance)
        & (predictions.distance >= 0)
    )


def _are_shares(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each row whether it is a distribution."""
    in_range = ((values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)).all(axis=1)
    is_whole: NDArray[np.bool_] = in_range & (np.abs(values.sum(axis=1) - 1) <= _TOLERANCE)
    return is_whole
