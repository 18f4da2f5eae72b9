"""Selects the TensorFlow device that a worker predicts on."""

from contextlib import suppress

import tensorflow as tf

from shared.config.settings import SettingsError
from shared.config.usable_cores import usable_cores


def select_device(device: str) -> str:
    """Select a device, let GPU memory grow as needed, and start a thread for each usable core.

    Call it before TensorFlow first uses a device.

    Args:
        device: Name such as `GPU:0`; '' selects the first GPU, or the CPU where there is no GPU.

    Raises:
        SettingsError: TensorFlow sees no such device.
    """
    # By default TensorFlow starts a thread for each core of the machine, whatever the container's quota. A process that
    # has used TensorFlow keeps its threads.
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(usable_cores())
    # By default TensorFlow takes the whole GPU, although other processes may share it.
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    available = [
        logical_device.name.removeprefix("/device:")
        for kind in ("GPU", "CPU")
        for logical_device in tf.config.list_logical_devices(kind)
    ]
    if device and device not in available:
        raise SettingsError(
            f"setting MELANOMA_DEVICE: there is no {device}; TensorFlow {tf.__version__} sees"
            f" {', '.join(available)} here."
        )
    return device or available[0]
