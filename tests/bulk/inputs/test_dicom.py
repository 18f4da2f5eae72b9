"""Tests of pictures in DICOM files, of the kinds that dermatology has. The patient's data goes nowhere."""

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bulk.inputs import formats
from bulk.inputs.dicom.converter import DicomConverter
from bulk.inputs.formats import read_image
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.inputs.scanner import Skipped, scan
from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected

if not os.environ.get("CI"):
    pytest.importorskip("pydicom")
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    generate_uid,
)

PATIENT: Final = "Doe^Jane"


def picture(width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """A smooth picture in which the channels differ."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack((x * 3, y * 4, 200 - x), axis=-1).clip(0, 255).astype(np.uint8)


def coded(pixels: npt.NDArray[np.uint8], kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def dicom(pixel_data: bytes, syntax: str, photometric: str, **elements: Any) -> bytes:
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "4711", "19500101"
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = (
        "1.2.840.10008.5.1.4.1.1.77.1.4",
        generate_uid(),
        "XC",
    )
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 1 if photometric.startswith("MONO") else 3
    dataset.Rows, dataset.Columns, dataset.PlanarConfiguration = 48, 64, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = pixel_data
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def jpeg(quality: int = 95, **elements: Any) -> bytes:
    return dicom(encapsulate([coded(picture(), "JPEG", quality=quality)]), JPEGBaseline8Bit, "YBR_FULL_422", **elements)


def convert(folder: Path, data: bytes, name: str = "a.dcm") -> npt.NDArray[np.uint8]:
    (folder / name).write_bytes(data)
    return np.asarray(Image.open(io.BytesIO(read_image(folder, name))).convert("RGB"))


def problem(folder: Path, data: bytes) -> ReadProblem | RefusalReason:
    (folder / "a.dcm").write_bytes(data)
    try:
        read_image(folder, "a.dcm")
    except FileNotReadable as error:
        return error.problem
    except ImageRejected as error:
        return error.reason
    raise AssertionError("it was read")


def assert_close(shown: npt.NDArray[np.uint8], expected: npt.NDArray[np.uint8], tolerance: int = 6) -> None:
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected.astype(int)).mean() < tolerance


def rgb_jpeg_without_markers() -> bytes:
    """A JPEG of red, green and blue that does not say so, as some devices write it."""
    data = coded(picture(), "JPEG", quality=95, keep_rgb=True, subsampling=0)
    at = data.find(b"\xff\xee")
    return data if at < 0 else data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


GREY: Final = picture()[..., 1]
CASES: Final[dict[str, Callable[[], bytes]]] = {
    "JPEG, YBR_FULL_422": jpeg,
    "JPEG, RGB": lambda: dicom(encapsulate([rgb_jpeg_without_markers()]), JPEGBaseline8Bit, "RGB"),
    "JPEG 2000, YBR_RCT": lambda: dicom(
        encapsulate([coded(picture(), "JPEG2000", mct=1)]), JPEG2000Lossless, "YBR_RCT"
    ),
    "uncompressed, RGB": lambda: dicom(picture().tobytes(), ExplicitVRLittleEndian, "RGB"),
    "uncompressed, RGB by planes": lambda: dicom(
        picture().transpose(2, 0, 1).tobytes(), ImplicitVRLittleEndian, "RGB", PlanarConfiguration=1
    ),
    "uncompressed, YBR_FULL": lambda: dicom(
        np.asarray(Image.fromarray(picture()).convert("YCbCr")).tobytes(), ExplicitVRLittleEndian, "YBR_FULL"
    ),
}
GREY_CASES: Final[dict[str, Callable[[], bytes]]] = {
    "MONOCHROME2": lambda: dicom(GREY.tobytes(), ExplicitVRLittleEndian, "MONOCHROME2"),
    "MONOCHROME1": lambda: dicom((255 - GREY).tobytes(), ExplicitVRLittleEndian, "MONOCHROME1"),
    "12 bits": lambda: dicom(
        (GREY.astype(np.uint16) * 16).tobytes(),
        ExplicitVRLittleEndian,
        "MONOCHROME2",
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
    ),
    "JPEG": lambda: dicom(encapsulate([coded(GREY, "JPEG", quality=95)]), JPEGBaseline8Bit, "MONOCHROME2"),
}


@pytest.mark.parametrize("case", CASES)
def test_pictures_keep_their_colours(tmp_path: Path, case: str) -> None:
    assert_close(convert(tmp_path, CASES[case]()), picture())


@pytest.mark.parametrize("case", GREY_CASES)
def test_grey_pictures_keep_their_brightness(tmp_path: Path, case: str) -> None:
    shown = convert(tmp_path, GREY_CASES[case]()).astype(float)
    expected = GREY.astype(float)
    # Twelve bits are stretched to the full range.
    scaled = (shown - shown.min()) / (shown.max() - shown.min()) * (expected.max() - expected.min()) + expected.min()
    assert np.abs(scaled[..., 0] - expected).mean() < 6


def test_a_jpeg_is_passed_on_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(jpeg())
    assert read_image(tmp_path, "a.dcm").rstrip(b"\0") == coded(picture(), "JPEG", quality=95).rstrip(b"\0")


def test_dicom_is_known_by_its_bytes_in_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "IM000001").write_bytes(jpeg())
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as zipped:
        zipped.writestr("DICOM/IM000002", jpeg())
    found = {image.name: image.load()[:2] for image in scan(tmp_path, recursive=False, skipped=Skipped())}
    assert found == {"IM000001": b"\xff\xd8", "study.zip/DICOM/IM000002": b"\xff\xd8"}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"NumberOfFrames": 2}, ReadProblem.SEVERAL_FRAMES),
        ({"Modality": "CT"}, ReadProblem.NOT_A_PHOTOGRAPH),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, ReadProblem.DICOM_UNSUPPORTED),
        ({"Rows": 60_000, "Columns": 60_000}, RefusalReason.TOO_MANY_PIXELS),
    ],
    ids=str,
)
def test_what_is_not_judged_is_refused_by_name(
    tmp_path: Path, elements: dict[str, Any], expected: ReadProblem | RefusalReason
) -> None:
    assert problem(tmp_path, jpeg(**elements)) is expected


def test_unknown_codings_and_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    lossless = dicom(encapsulate([coded(picture(), "JPEG")]), JPEGLosslessSV1, "RGB")
    assert problem(tmp_path, lossless) is ReadProblem.DICOM_UNSUPPORTED
    whole = dicom(picture().tobytes(), ExplicitVRLittleEndian, "RGB")
    for length in (132, 200, len(whole) // 2):
        assert problem(tmp_path, whole[:length]) in (ReadProblem.DICOM_DAMAGED, RefusalReason.NOT_A_PICTURE)
    assert problem(tmp_path, whole[:132] + b"\xff" * 400) is RefusalReason.NOT_A_PICTURE
    assert_close(convert(tmp_path, whole), picture())


def test_a_large_uncompressed_picture_is_submitted_smaller(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (2600, 2900, 3), np.uint8)
    data = dicom(noise.tobytes(), ExplicitVRLittleEndian, "RGB", Rows=2600, Columns=2900)
    assert len(data) > DECODE_LIMITS.max_bytes
    (tmp_path / "a.dcm").write_bytes(data)
    submitted = read_image(tmp_path, "a.dcm")
    assert submitted.startswith(b"\xff\xd8")
    assert len(submitted) <= DECODE_LIMITS.max_bytes


def test_patient_data_is_in_no_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """pydicom warns of values that break the rules, and quotes them."""
    odd = jpeg().replace(b"19500101", b"Jane 195")
    convert(tmp_path, odd)
    (tmp_path / "a.dcm").write_bytes(odd)
    assert b"Jane" not in read_image(tmp_path, "a.dcm")
    assert capfd.readouterr() == ("", "")


def test_a_file_that_kills_or_hangs_the_decoder_costs_its_own_row(tmp_path: Path) -> None:
    converter = DicomConverter(timeout_s=0.0)
    with pytest.raises(ImageRejected) as caught:
        converter.convert(jpeg())
    assert caught.value.reason is RefusalReason.UNREADABLE
    converter._timeout_s = 30
    assert converter.convert(jpeg())[:2] == b"\xff\xd8"
    assert converter._process is not None
    converter._process.kill()
    converter._process.join()
    assert converter.convert(jpeg())[:2] == b"\xff\xd8"
    converter._stop()


def test_the_child_ends_with_the_command(tmp_path: Path) -> None:
    converter = DicomConverter()
    converter.convert(jpeg())
    child, pipe = converter._process, converter._pipe
    assert child is not None
    assert pipe is not None
    pipe.close()
    child.join(20)
    assert child.exitcode == 0


def test_without_pydicom_the_row_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bulk.inputs.dicom.converter.find_spec", lambda _: None)
    assert problem(tmp_path, jpeg()) is ReadProblem.DICOM_NOT_INSTALLED


def test_many_files_need_one_child(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.dcm").write_bytes(jpeg(quality=80 + n))
    read_image(tmp_path, "0.dcm")
    started = formats._DICOM._process
    begun = time.monotonic()
    for n in range(3):
        read_image(tmp_path, f"{n}.dcm")
    assert formats._DICOM._process is started
    assert time.monotonic() - begun < 5
