import pytest

from shared.model.artefact import Group
from training.data.records.labels import COUNTED, LABELS, MELANOMA, NAMES, ham10000_label, isic2017_label


def test_what_counts_is_what_may_be_malignant() -> None:
    assert [NAMES[index] for index in COUNTED] == ["mel", "bcc", "scc", "akiec"]
    assert all(label.counts == (label.group is not Group.BENIGN) for label in LABELS)
    assert NAMES[MELANOMA] == "mel"


@pytest.mark.parametrize(
    ("dx", "label", "name"),
    [
        ("melanoma", "malignant", "mel"),
        ("nevus", "benign", "nv"),
        ("seborrheic_keratosis", "benign", "bkl"),
        ("", "malignant", "mel"),
    ],
)
def test_isic2017(dx: str, label: str, name: str) -> None:
    index = isic2017_label(dx, label)
    assert index is not None
    assert NAMES[index] == name


def test_benign_without_a_diagnosis_has_no_label() -> None:
    assert isic2017_label("", "benign") is None


def test_ham10000_uses_the_labels_names() -> None:
    assert [NAMES[ham10000_label(name)] for name in NAMES] == list(NAMES)


def test_unknown_words_are_errors() -> None:
    with pytest.raises(KeyError):
        isic2017_label("wart", "benign")
    with pytest.raises(KeyError):
        ham10000_label("wart")
