import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from tests.training.synthetic_data import HAM10000, write_image, write_rows
from training.data.records.labelled_image import Split
from training.data.records.labels import LABEL_NAMES
from training.data.sources import (
    HELD_OUT_FRACTION,
    PhoneSubject,
    is_held_out,
    read_labelled_images,
    read_phone_images,
    read_records,
)
from training.errors import TrainingError


def test_read_labelled_images_drops_lesions_without_a_label(data: Path) -> None:
    images = read_labelled_images(data)
    isic = [image for image in images if image.source == "isic2017"]
    assert [sum(image.split is split for image in isic) for split in Split] == [14, 10, 8]
    ham = [image for image in images if image.source == "ham10000"]
    assert [LABEL_NAMES[image.label] for image in ham] == HAM10000
    assert {image.split for image in ham} == {Split.TRAIN, Split.VALID}


def test_no_lesion_is_in_two_splits(tmp_path: Path, data: Path) -> None:
    """Three images of each lesion, scattered over the manifest."""
    shutil.copytree(data / "isic2017", tmp_path / "isic2017")
    write_image(tmp_path / "ham10000" / "one.jpg", 1, dark=False)
    rows = [{"file": "one.jpg", "dx": "nv", "lesion_id": f"HAM_{number % 200}"} for number in range(600)]
    write_rows(tmp_path / "ham10000" / "manifest.csv", rows)
    splits = defaultdict(set)
    for image in read_labelled_images(tmp_path):
        splits[image.source, image.group].add(image.split)
    assert len(splits) > 200
    assert all(len(members) == 1 for members in splits.values())


def test_is_held_out_holds_out_about_the_stated_fraction() -> None:
    fraction = sum(is_held_out(f"HAM_{number:07}") for number in range(5000)) / 5000
    assert fraction == pytest.approx(HELD_OUT_FRACTION, abs=0.02)


def test_read_phone_images_by_subject(data: Path, tmp_path: Path) -> None:
    phone_images = read_phone_images(data)
    names_by_subject = {
        subject: [image.path.name for image in phone_images if image.subject is subject] for subject in PhoneSubject
    }
    assert [names[0] for names in names_by_subject.values()] == ["0.jpg", "3.jpg", "2.jpg", "1.jpg"]
    assert len(phone_images) == 24
    for folder in ("isic2017", "ham10000"):
        shutil.copytree(data / folder, tmp_path / folder)
    assert read_phone_images(tmp_path) == []


def test_own_images_of_no_lesion_say_what_they_show(tmp_path: Path, data: Path) -> None:
    for folder in ("isic2017", "ham10000"):
        shutil.copytree(data / folder, tmp_path / folder)
    write_image(tmp_path / "phone" / "one.jpg", 1, dark=False)
    row = {"file": "one.jpg", "source": "our_walls", "group_id": "us", "shows": "thing"}
    write_rows(tmp_path / "phone" / "manifest.csv", [row])
    (image,) = read_phone_images(tmp_path)
    assert (image.source, image.subject) == ("our_walls", PhoneSubject.THING)
    for value, named in (("", "our_walls"), ("lesion", "our_walls"), ("wall", "wall")):
        write_rows(tmp_path / "phone" / "manifest.csv", [{**row, "shows": value}])
        with pytest.raises(TrainingError, match=f"unknown value '{named}'"):
            read_phone_images(tmp_path)


def test_phone_images_of_one_owner_are_held_out_together(tmp_path: Path, data: Path) -> None:
    rows = [{"file": "one.jpg", "source": "sign_digits_hands", "group_id": f"{number % 200}"} for number in range(600)]
    write_image(tmp_path / "phone" / "one.jpg", 1, dark=False)
    write_rows(tmp_path / "phone" / "manifest.csv", rows)
    for folder in ("isic2017", "ham10000"):
        shutil.copytree(data / folder, tmp_path / folder)
    phone_images = read_phone_images(tmp_path)
    for first, second, third in zip(phone_images[:200], phone_images[200:400], phone_images[400:], strict=True):
        assert first.is_held_out == second.is_held_out == third.is_held_out
    assert 80 < sum(image.is_held_out for image in phone_images[:200]) < 120


def test_each_error_names_its_cause(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no folder"):
        read_labelled_images(tmp_path / "absent")
    with pytest.raises(TrainingError, match=r"manifest\.csv cannot be read"):
        read_labelled_images(tmp_path)
    manifest = tmp_path / "isic2017" / "manifest.csv"
    row = {"split": "train", "label": "benign", "dx": "nevus", "file": "a.jpg"}
    write_rows(manifest, [{"split": "train", "label": "benign", "file": "a.jpg"}])
    with pytest.raises(TrainingError, match="lacks the column 'dx'"):
        read_labelled_images(tmp_path)
    write_rows(manifest, [row | {"dx": "wart"}])
    with pytest.raises(TrainingError, match="'wart'"):
        read_labelled_images(tmp_path)
    write_rows(manifest, [row])
    with pytest.raises(TrainingError, match=r"a\.jpg, which is not there"):
        read_labelled_images(tmp_path)


def test_read_isic_archive_maps_diagnoses_and_skips_other_image_types(tmp_path: Path, data: Path) -> None:
    """Diagnoses in the columns of today and of before 2024."""
    expected: list[tuple[dict[str, str], str | None]] = [
        ({"diagnosis_2": "Malignant melanocytic proliferations", "diagnosis_3": "Melanoma, NOS"}, "mel"),
        ({"diagnosis_3": "Squamous cell carcinoma in situ", "fitzpatrick_skin_type": "IV", "age_approx": "60"}, "scc"),
        ({"diagnosis": "actinic keratosis"}, "akiec"),
        ({"diagnosis_2": "Benign melanocytic proliferations", "diagnosis_3": "Nevus", "diagnosis_4": "Blue"}, "nv"),
        ({"diagnosis_1": "Benign", "diagnosis_2": "Benign soft tissue proliferations - Vascular"}, "vasc"),
        ({"diagnosis_3": "Scar"}, None),
        ({"diagnosis_3": "Nevus", "image_type": "TBP tile: close-up"}, "skipped"),
    ]
    rows = [
        {"isic_id": f"ISIC_900000{number}", "image_type": "dermoscopic", "copyright_license": "CC-BY"}
        | {"patient_id": f"IP_{number // 2}", "age_approx": "", "fitzpatrick_skin_type": ""}
        | dict.fromkeys(("diagnosis", "diagnosis_1", "diagnosis_2", "diagnosis_3", "diagnosis_4"), "")
        | columns
        for number, (columns, _) in enumerate(expected)
    ]
    folder = tmp_path / "isic-archive"
    for row in rows:
        write_image(folder / f"{row['isic_id']}.jpg", 1, dark=False)
    write_rows(folder / "metadata.csv", rows)
    for other in ("isic2017", "ham10000"):
        shutil.copytree(data / other, tmp_path / other)
    records = [record for record in read_records(tmp_path) if record.source == "isic-archive"]
    labels = [None if record.label is None else LABEL_NAMES[record.label] for record in records]
    assert labels == [label for _, label in expected if label != "skipped"]
    assert [record.group for record in records] == ["IP_0", "IP_0", "IP_1", "IP_1", "IP_2", "IP_2"]
    assert records[0].split is records[1].split
    assert (records[1].age, records[1].skin_type, records[1].licence) == (60, 4, "CC-BY")
    (folder / "ISIC_9000000.jpg").unlink()
    with pytest.raises(TrainingError, match=r"ISIC_9000000\.jpg, which is not there"):
        read_records(tmp_path)
