"""The picture of a DICOM file as JPEG or PNG. Only the child process of `bulk.inputs.dicom.converter` imports this.

Nothing but the elements that describe the pixels is parsed: the patient's data stays unread.
"""

from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected

_ELEMENTS: Final = [
    "Modality",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleIntercept",
    "RescaleSlope",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PixelData",
]
# Dermoscopy, photographs by a camera, other; some programs write no modality. An X-ray must not be judged as a mole.
_MODALITIES: Final = frozenset({"DMS", "XC", "OT", ""})
_COLOURS: Final = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
_GREYS: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
# Tells a decoder that the components are red, green and blue (Adobe TN 5116).
_ADOBE_RGB: Final = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
_JPEG_QUALITY: Final = 95


def extract_picture(data: bytes) -> bytes:
    """The single frame of a DICOM file.

    A baseline JPEG is taken out as it is. Everything else is decoded and becomes a PNG, or a JPEG if the PNG would be
    larger than a picture may be.

    Raises:
        FileNotReadable: The file is damaged, holds several frames, is no photograph, or is coded in an unknown way.
        ImageRejected: It has no pixels, or too many.
    """
    dataset: Any = _parse(data)
    _check(dataset)
    syntax, photometric = dataset.file_meta.TransferSyntaxUID, str(dataset.PhotometricInterpretation)
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and dataset.BitsStored == 8 and photometric != "MONOCHROME1":
        return _mark_colours(bytes(get_frame(dataset.PixelData, 0, number_of_frames=1)), photometric)
    return _encode(_decode(dataset, photometric))


def _parse(data: bytes) -> Any:
    try:
        dataset = dcmread(BytesIO(data), specific_tags=_ELEMENTS)
        list(dataset)  # an element is parsed when it is read first
    except Exception as error:
        raise FileNotReadable(ReadProblem.DICOM_DAMAGED) from error
    return dataset


def _check(dataset: Any) -> None:
    if "PixelData" not in dataset:
        raise ImageRejected(RefusalReason.NOT_A_PICTURE)
    try:
        frames, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
        modality, photometric = str(dataset.get("Modality") or ""), str(dataset.PhotometricInterpretation)
        bits = (int(dataset.BitsAllocated), int(dataset.BitsStored), str(dataset.file_meta.TransferSyntaxUID))
    except (AttributeError, TypeError, ValueError) as error:
        raise FileNotReadable(ReadProblem.DICOM_DAMAGED) from error
    if frames > 1:
        raise FileNotReadable(ReadProblem.SEVERAL_FRAMES)
    if modality not in _MODALITIES:
        raise FileNotReadable(ReadProblem.NOT_A_PHOTOGRAPH)
    if rows * columns > DECODE_LIMITS.max_pixels:
        raise ImageRejected(RefusalReason.TOO_MANY_PIXELS)
    if photometric not in _COLOURS | _GREYS or bits[0] > 16:
        raise FileNotReadable(ReadProblem.DICOM_UNSUPPORTED)


def _mark_colours(jpeg: bytes, photometric: str) -> bytes:
    """Mark a JPEG of red, green and blue as such: its decoder cannot see the DICOM element with this information."""
    head = jpeg[: jpeg.find(b"\xff\xda")]
    if photometric == "RGB" and b"JFIF\0" not in head and b"Adobe" not in head:
        return jpeg[:2] + _ADOBE_RGB + jpeg[2:]
    return jpeg


def _decode(dataset: Any, photometric: str) -> Image.Image:
    try:
        pixels = pixel_array(dataset, raw=False)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError) as error:
        # pydicom raises these both for what no installed decoder reads and for damaged pixels.
        is_unknown = "plugin" in str(error) or ("decod" in str(error) and "missing" in str(error))
        problem = ReadProblem.DICOM_UNSUPPORTED if is_unknown else ReadProblem.DICOM_DAMAGED
        raise FileNotReadable(problem) from error
    if photometric in _GREYS:
        return Image.fromarray(_to_grey(pixels, dataset, inverted=photometric == "MONOCHROME1"))
    if pixels.dtype != np.uint8:
        pixels = (pixels >> max(0, int(dataset.BitsStored) - 8)).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))


def _to_grey(pixels: npt.NDArray[Any], dataset: Any, *, inverted: bool) -> npt.NDArray[np.uint8]:
    shown = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype(np.float64)
    if "WindowWidth" in dataset or dataset.BitsStored > 8:
        low, high = float(shown.min()), float(shown.max())
        shown = (shown - low) * (255 / (high - low)) if high > low else shown * 0
    grey: npt.NDArray[np.uint8] = shown.clip(0, 255).round().astype(np.uint8)
    return 255 - grey if inverted else grey


def _encode(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    if buffer.tell() > DECODE_LIMITS.max_bytes:
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
