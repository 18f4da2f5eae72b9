from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.model.artefact import read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_image
from training.data.records.labelled_image import Split
from training.evaluation.measures.source_separation import MIN_IMAGES, measure_sources, tell_sources
from training.exporting.predictor import GraphFeatures, GraphPredictor


def test_source_is_told_by_features_that_differ_and_not_by_others() -> None:
    rng = np.random.default_rng(2)
    sources = np.array(["a", "b", "c"] * 60)
    groups = [str(index) for index in range(180)]
    noise = rng.normal(size=(180, 12))
    assert tell_sources(noise, sources, groups).value == pytest.approx(0.5, abs=0.08)
    assert tell_sources(noise + 2 * (sources == "b")[:, None], sources, groups).value > 0.7


def test_lesions_are_not_on_both_sides() -> None:
    """Four copies of each lesion, each lesion with features of its own: a leak would tell the sources."""
    rng = np.random.default_rng(3)
    sources, groups = np.repeat(["a", "b"] * 25, 4), [str(index) for index in range(50) for _ in range(4)]
    features = np.repeat(rng.normal(size=(50, 40)), 4, axis=0)
    assert tell_sources(features, sources, groups).value < 0.7


class MeanColour:
    """Features that are the mean colour of an image, in place of a graph's."""

    def extract(self, images: list[np.ndarray]) -> np.ndarray:
        return np.stack([image.mean(axis=(0, 1)) for image in images])


def test_diagnosis_of_one_source_and_the_test_set_are_left_out(tmp_path: Path) -> None:
    rng, images = np.random.default_rng(4), []
    for source, label, split in (
        ("red", "nv", Split.TRAIN),
        ("grey", "nv", Split.VALID),
        ("grey", "mel", Split.TRAIN),
        ("red", "mel", Split.TEST),
    ):
        for number in range(MIN_IMAGES):
            path = tmp_path / f"{source}-{label}-{number}.png"
            red, green, blue = rng.integers(80, 120, 3).tolist()
            Image.new("RGB", (100, 100), (red + 60 * (source == "red"), green, blue)).save(path)
            images.append(replace(make_image(label, path.stem, path=path), source=source, split=split))
    results = measure_sources(images, MeanColour(), read_artefact(SHIPPED), 200)  # type: ignore[arg-type]
    assert [result.diagnosis for result in results] == ["mole (melanocytic naevus)"]
    assert results[0].sources == {"grey": MIN_IMAGES, "red": MIN_IMAGES}
    assert results[0].before.value > 0.95
    assert results[0].after.value > 0.95


def test_features_are_those_of_which_the_graph_computes_the_kinds() -> None:
    manifest = read_artefact(SHIPPED)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), np.uint8)
    features = GraphFeatures(SHIPPED / manifest.graph, manifest.tensors).extract(list(pixels), batch=2)
    assert features.shape == (3, 112 + 1280)
    assert np.ptp(GraphPredictor(SHIPPED / manifest.graph, manifest.tensors).predict(pixels).kinds) > 0
