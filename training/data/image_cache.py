"""Caches decoded images as uint8 arrays on disk, so that an epoch does not decode JPEGs again.

`shared.images.decode` decodes them, as in evaluation and serving.
"""

import hashlib
import math
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.images.decode import decode
from shared.images.preprocessing import PreprocessingSpec
from shared.images.refusal import ImageRejected
from training.data.records.labelled_image import LabelledImage
from training.errors import TrainingError

Pixels = npt.NDArray[np.uint8]


def decode_file(path: Path, spec: PreprocessingSpec) -> Pixels:
    """Decode one image to uint8 [size, size, 3]. Raises `TrainingError` if it cannot be read or is rejected."""
    try:
        return decode(path.read_bytes(), spec).pixels
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    except ImageRejected as error:
        raise TrainingError(f"{path} is not a picture that the service would accept.") from error


def decode_images(images: Sequence[LabelledImage], spec: PreprocessingSpec, directory: Path) -> Pixels:
    """Decode labelled images by `decode_paths`."""
    return decode_paths([image.path for image in images], spec, directory)


def decode_paths(paths: Sequence[Path], spec: PreprocessingSpec, directory: Path) -> Pixels:
    """Decode images into a file in `directory`, or open that file if it exists.

    Args:
        paths: The images.
        spec: Preprocessing of the images.
        directory: Folder of the file, which is named after `spec` and the path, size and time of change of each image.

    Returns:
        The images in the order of `paths`, uint8 [n, size, size, 3], memory-mapped.

    Raises:
        TrainingError: If an image cannot be decoded, or if the disk of the folder is full.
    """
    key = "\n".join(_identify(path) for path in paths) + spec.model_dump_json()
    path = directory / f"pixels-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        shape = (len(paths), spec.size, spec.size, 3)
        # A memory-mapped file that does not fit on the disk ends the process without a message.
        needed, free = math.prod(shape), shutil.disk_usage(directory).free
        if needed > free:
            raise TrainingError(f"{directory} needs {needed >> 20} MiB for decoded pictures and has {free >> 20} free.")
        pixels = np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)
        with ThreadPoolExecutor() as pool:
            for index, decoded in enumerate(pool.map(lambda source: decode_file(source, spec), paths)):
                pixels[index] = decoded
        pixels.flush()
        del pixels
        temporary.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _identify(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
