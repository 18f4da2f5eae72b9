"""Selects the TensorFlow device that a worker predicts on."""

import tensorflow as tf

from shared.config.settings import SettingsError


def select_device(device: str) -> str:
    """Select a device and let GPU memory grow as needed. Call it before TensorFlow first uses a GPU.

    Args:
        device: Name such as `GPU:0`; '' selects the first GPU, or the CPU where there is no GPU.

    Raises:
        SettingsError: TensorFlow sees no such device.
    """
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
