import pytest

from shared.model.artefact import Group
from training.data.records.labels import COUNTED, LABEL_NAMES, LABELS, MELANOMA, map_ham10000_label, map_isic2017_label


def test_counted_labels_may_be_malignant() -> None:
    assert [LABEL_NAMES[index] for index in COUNTED] == ["mel", "bcc", "scc", "akiec"]
    assert all(label.counts == (label.group is not Group.BENIGN) for label in LABELS)
    assert LABEL_NAMES[MELANOMA] == "mel"


@pytest.mark.parametrize(
    ("dx", "label", "name"),
    [
        ("melanoma", "malignant", "mel"),
        ("nevus", "benign", "nv"),
        ("seborrheic_keratosis", "benign", "bkl"),
        ("", "malignant", "mel"),
    ],
)
def test_map_isic2017_label(dx: str, label: str, name: str) -> None:
    index = map_isic2017_label(dx, label)
    assert index is not None
    assert LABEL_NAMES[index] == name


def test_map_isic2017_label_gives_none_for_benign_without_diagnosis() -> None:
    assert map_isic2017_label("", "benign") is None


def test_map_ham10000_label_maps_the_names_of_the_labels() -> None:
    assert [LABEL_NAMES[map_ham10000_label(name)] for name in LABEL_NAMES] == list(LABEL_NAMES)


def test_unknown_diagnoses_are_errors() -> None:
    with pytest.raises(KeyError):
        map_isic2017_label("wart", "benign")
    with pytest.raises(KeyError):
        map_ham10000_label("wart")
