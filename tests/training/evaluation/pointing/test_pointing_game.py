from collections.abc import Iterable

import numpy as np
import pytest

from runtimes.base import PredictionBatch
from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_image
from tests.training.evaluation.pointing.spots import draw_spot
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage
from training.evaluation.pointing.pointing_game import measure_pointing


class DarknessPredictor:
    """A predictor whose evidence is the darkness, or always the middle of the image."""

    def __init__(self, manifest: Manifest, *, central: bool) -> None:
        self._manifest, self._central = manifest, central

    def predict_each(self, images: Iterable[Pixels]) -> PredictionBatch:
        pixels = np.stack(list(images)).astype(np.float32)
        cells = 255 - pixels.reshape(len(pixels), 7, 32, 7, 32, 3).mean(axis=(2, 4, 5))
        if self._central:
            cells[:] = 5 - np.hypot(*np.mgrid[-3:4, -3:4])
        labels = np.zeros((len(pixels), len(self._manifest.labels)), np.float32)
        labels[:, 0] = 1
        return PredictionBatch(labels, cells, np.zeros(len(pixels), np.float32), np.zeros((len(pixels), 3), np.float32))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledImage]:
    folder, rng = tmp_path_factory.mktemp("spots"), np.random.default_rng(8)
    spots = []
    for index in range(24):
        x, y = (int(value) for value in rng.integers(60, 132, 2))
        draw_spot(x, y).save(folder / f"{index}.png")
        spots.append(make_image("mel", str(index), path=folder / f"{index}.png"))
    return spots


@pytest.mark.parametrize("central", [False, True], ids=["map of the lesion", "map of the middle"])
def test_map_of_the_lesion_beats_the_centre_and_a_central_map_does_not(
    images: list[LabelledImage], central: bool
) -> None:
    manifest = read_artefact(SHIPPED)
    graph = DarknessPredictor(manifest, central=central)
    results = measure_pointing(images, graph, manifest, count=24)  # type: ignore[arg-type]
    assert {result.title.split(",")[0] for result in results} == {
        "Malignant and pre-malignant lesions",
        "All lesions that are not called low",
    }
    for result in results:
        assert result.crops == 48
        assert result.disc_auc is not None
        assert [averaged.views for averaged in result.maps] == [1, 2, 4]
        # Both maps turn with the image.
        assert all(averaged.peak_stays.value == 1 for averaged in result.maps)
        if central:
            assert result.maps[0].auc.value == pytest.approx(result.disc_auc.value, abs=0.05)
        else:
            assert result.maps[0].auc.value > result.disc_auc.value + 0.2
        if central:
            assert result.gain.value == 0
        else:
            assert result.peak.value > 0.9
            assert result.gain.low is not None
            assert result.gain.low > 0.3
            assert result.inside.value > result.lesion_share
