from dataclasses import replace
from pathlib import Path

import pytest

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.errors import TrainingError
from training.fitting.lineage import Lineage, Origin, check_ancestor

SKIN = LabelledImage(Path("skin.jpg"), 0, "isic2017", Population.DERMATOSCOPE, "lesion", Split.TRAIN, licence="CC-0")
PHONE = LabelledImage(Path("a.jpg"), 1, "pad_ufes_20", Population.PHONE, "patient", Split.TRAIN, fold=2)
ORIGIN = Origin(role="teacher", name="teacher", sha256="1")
TEACHER = Lineage.from_images([SKIN, PHONE])


@pytest.mark.parametrize(
    ("lineage", "fold", "left_out"), [(TEACHER, 2, ()), (TEACHER, None, ("isic2017",)), (None, 1, ()), (None, None, ())]
)
def test_ancestor_that_may_know_what_is_left_out_is_refused(
    lineage: Lineage | None, fold: int | None, left_out: tuple[str, ...]
) -> None:
    with pytest.raises(TrainingError, match="another --teacher"):
        check_ancestor(lineage, Path("teacher"), fold=fold, left_out=left_out, what="--teacher")


def test_ancestor_that_has_seen_other_folds_and_sources_is_accepted() -> None:
    assert check_ancestor(TEACHER, Path("teacher"), fold=1, left_out=["bcn"], what="--teacher") is TEACHER


def test_grandparent_is_inherited() -> None:
    parent = Lineage.from_images([SKIN]).with_ancestor(TEACHER, ORIGIN)
    child = Lineage().with_ancestor(parent, replace_role(ORIGIN))
    assert child.has_seen_fold(2)
    assert ORIGIN in child.origins
    assert [entry.pictures for entry in child.seen] == [0, 0]


def test_digest_tells_other_labels_and_folds() -> None:
    digests = {
        Lineage.from_images([image]).data_sha256 for image in (PHONE, replace(PHONE, fold=1), replace(PHONE, label=2))
    }
    assert len(digests) == 3


def replace_role(origin: Origin) -> Origin:
    return origin.model_copy(update={"role": "initial model"})
