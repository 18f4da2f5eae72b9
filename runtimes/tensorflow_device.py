"""Which of TensorFlow's devices a worker predicts on."""

import tensorflow as tf

from shared.config.settings import SettingsError


def select_device(wanted: str) -> str:
    """Name of the device to use, such as `GPU:0`: `wanted`, or for '' the first GPU, or else the CPU.

    Raises `SettingsError` where TensorFlow sees no such device.
    """
    # On a GPU that is shared, another process may need the memory that this one does not.
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    known = [
        device.name.removeprefix("/device:")
        for kind in ("GPU", "CPU")
        for device in tf.config.list_logical_devices(kind)
    ]
    if wanted and wanted not in known:
        raise SettingsError(
            f"setting MELANOMA_DEVICE: there is no {wanted}; TensorFlow {tf.__version__} sees {', '.join(known)} here."
        )
    return wanted or known[0]
