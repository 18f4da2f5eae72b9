"""The sources in `found/`, and training images of ISIC 2017 that are known to show a lesion of the test part."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.training.synthetic_data import write_image, write_rows
from training.data.building.manifest_builder import build_manifest
from training.data.duplicates.deduplication import deduplicate
from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.records.labels import LABEL_NAMES, map_isic2017_label
from training.data.sources import is_chosen_by_diagnosis, read_labelled_images, read_records
from training.errors import TrainingError


def _write_found(data: Path, rows: list[tuple[str, str, str, str, str]]) -> None:
    table = []
    for number, (source, melanoma, dx, lesion, note) in enumerate(rows):
        name = f"{number}.jpg"
        write_image(data / "found" / source / name, 9000 + number, dark=melanoma == "1")
        table.append(
            {"source": source, "file": name, "melanoma": melanoma, "dx": dx, "lesion_id": lesion, "note": note}
        )
    write_rows(data / "found" / "manifest.csv", table)


@pytest.fixture
def copied(data: Path, tmp_path: Path) -> Path:
    for folder in ("isic2017", "ham10000"):
        shutil.copytree(data / folder, tmp_path / folder)
    return tmp_path


def test_labels_and_groups_of_found_sources(copied: Path) -> None:
    _write_found(
        copied,
        [
            ("bcn", "1", "mel", "BCN_1", ""),
            ("bcn_84", "1", "mel", "BCN_1", "low-resolution copy of a picture also in bcn/"),
            ("bcn", "1", "mel_metastasis", "BCN_2", ""),
            ("bcn", "0", "unknown", "BCN_3", ""),
            ("siim2020", "0", "unknown", "", ""),
            ("ham_more", "0", "nv", "HAM_0000004", ""),
        ],
    )
    records = [record for record in read_records(copied) if is_chosen_by_diagnosis(record.source)]
    labels = [None if record.label is None else LABEL_NAMES[record.label] for record in records]
    assert labels == ["mel", "mel", None, None, "nv", "nv"]
    assert records[0].group == records[1].group
    assert records[1].is_wanted_copy
    lesions = [image for image in read_labelled_images(copied) if image.group == "HAM_0000004"]
    assert {image.source for image in lesions} == {"ham10000", "ham_more"}
    assert len({image.split for image in lesions}) == 1


@pytest.mark.parametrize("row", [("bcn", "0", "mel"), ("bcn", "1", "nv"), ("bcn", "0", "wart"), ("other", "0", "nv")])
def test_contradicting_and_unknown_words_are_refused(copied: Path, row: tuple[str, str, str]) -> None:
    _write_found(copied, [(*row, "lesion", "")])
    with pytest.raises(TrainingError, match="unknown value"):
        read_records(copied)


@pytest.mark.parametrize(("dx", "label"), [("nevus", "malignant"), ("melanoma", "benign"), ("", "Malignant")])
def test_isic2017_words_that_contradict_are_refused(dx: str, label: str) -> None:
    with pytest.raises(KeyError):
        map_isic2017_label(dx, label)


def test_wanted_copies_are_kept_and_others_are_not(copied: Path) -> None:
    _write_found(
        copied,
        [
            ("bcn", "1", "mel", "BCN_1", ""),
            ("bcn_84", "1", "mel", "BCN_1", "low-resolution copy of a picture also in bcn/"),
            ("bcn", "1", "mel", "BCN_1", ""),
        ],
    )
    records = [record for record in read_records(copied) if is_chosen_by_diagnosis(record.source)]
    pairs = [ImagePair(0, other, MatchType.COPY, 1.0) for other in (1, 2)]
    kept = deduplicate(records, [9, 1, 4], pairs).kept
    assert sorted(kept) == [0, 1]


def test_training_images_of_known_test_lesions_are_left_out(copied: Path) -> None:
    rows = [(image.split, image.path) for image in read_labelled_images(copied) if image.source == "isic2017"]
    train = [path for split, path in rows if split == "train"][:2]
    test = next(path for split, path in rows if split == "test")
    write_rows(
        copied / "isic2017" / "train_same_lesion_as_test.csv",
        [
            {"train_file": f"train/malignant/{train[0].name}", "other_file": f"test/malignant/{test.name}"},
            {"train_file": f"train/{train[1].name}", "other_file": f"test {test.name}"},
        ],
    )
    report = build_manifest(copied, copied / "built", lambda *_: None)
    dropped = Counter(entry.reason for entry in report.dropped if Path(entry.file).name in {t.name for t in train})
    assert dropped == {"same lesion or patient as one in test": 2}
