from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import MELANOMA
from training.data.sampling import draw_epoch


def _make_images(*counts: int) -> list[LabelledImage]:
    return [
        LabelledImage(Path(f"{label}-{number}"), label, "synthetic", Population.PHONE, f"{label}-{number}", Split.TRAIN)
        for label, count in enumerate(counts)
        for number in range(count)
    ]


def test_draw_epoch_takes_parts_by_the_square_root_of_the_size() -> None:
    images = _make_images(900, 100, 4)
    drawn = draw_epoch(images, 420, seed=1, epoch=0)
    assert Counter(images[index].label for index in drawn) == {0: 300, 1: 100, 2: 20}


def test_draw_epoch_repeats_an_image_only_after_all_others() -> None:
    times = Counter(draw_epoch(_make_images(900, 100, 4), 420, seed=1, epoch=0).tolist())
    assert {times[index] for index in range(900)} == {0, 1}
    assert {times[index] for index in range(900, 1000)} == {1}
    assert {times[index] for index in range(1000, 1004)} == {5}


def test_seed_and_epoch_decide_the_draw() -> None:
    images = _make_images(50, 7)
    first = draw_epoch(images, 33, seed=1, epoch=2)
    assert len(first) == 33
    assert np.array_equal(first, draw_epoch(images, 33, seed=1, epoch=2))
    assert not np.array_equal(first, draw_epoch(images, 33, seed=1, epoch=3))
    assert not np.array_equal(first, draw_epoch(images, 33, seed=2, epoch=2))


def test_each_source_with_others_shows_the_same_share_of_melanomas() -> None:
    """From 5 to 60 % in the data; a source of melanomas alone is not shown."""
    counts = {
        "clinic": (50, 0, 0, 0, 0, 950),
        "hospital": (600, 0, 0, 0, 100, 300),
        "melanomas": (40,),
        "moles": (0, 60),
    }
    images = [replace(image, source=source) for source, sizes in counts.items() for image in _make_images(*sizes)]
    drawn = [images[index] for index in draw_epoch(images, 4000, seed=1, epoch=0, melanoma_share=0.3)]
    shares = {
        source: np.mean([image.label == MELANOMA for image in drawn if image.source == source])
        for source in {image.source for image in drawn}
    }
    assert shares.keys() == {"clinic", "hospital", "moles"}
    assert shares["clinic"] == pytest.approx(0.3, abs=0.01)
    assert shares["hospital"] == pytest.approx(0.3, abs=0.01)
    assert shares["moles"] == 0


def test_share_of_melanomas_without_other_lesions_is_refused() -> None:
    with pytest.raises(ValueError, match="needs other lesions"):
        draw_epoch(_make_images(5), 4, seed=1, epoch=0, melanoma_share=0.3)
