"""Pictures decoded once: uint8 arrays on disk, so that an epoch does not decode JPEGs again.

Decoding goes through `shared.images.decode`, as in evaluation and serving.
"""

import hashlib
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
    """Decode one picture to uint8 [size, size, 3]. Raises `TrainingError` where that cannot be done."""
    try:
        return decode(path.read_bytes(), spec).pixels
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    except ImageRejected as error:
        raise TrainingError(f"{path} is not a picture that the service would accept.") from error


def decode_images(images: Sequence[LabelledImage], spec: PreprocessingSpec, directory: Path) -> Pixels:
    """`decode_paths` of labelled pictures."""
    return decode_paths([picture.path for picture in images], spec, directory)


def decode_paths(paths: Sequence[Path], spec: PreprocessingSpec, directory: Path) -> Pixels:
    """Decode pictures to uint8 [n, size, size, 3] in their order, by way of a file in `directory`.

    The file is named after the pictures and the rules; where it exists it is opened, not made. Raises
    `TrainingError` where a picture cannot be decoded.
    """
    names = "\n".join(str(path.resolve()) for path in paths) + spec.model_dump_json()
    path = directory / f"pixels-{hashlib.sha256(names.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        shape = (len(paths), spec.size, spec.size, 3)
        pixels = np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(lambda one: decode_file(one, spec), paths)
            for index, one in enumerate(decoded):
                pixels[index] = one
        pixels.flush()
        del pixels
        temporary.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
