"""A verdict never claims more than was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.decision import UNMEASURED, Advice, Band, Refusal, RefusalReason, Verdict
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.model.artefact import (
    Bands,
    DataSource,
    Group,
    Kinds,
    Label,
    Manifest,
    Metric,
    Population,
    ReliabilityBin,
    StoredFile,
    Tensors,
)
from shared.model.decision_rules import wilson_interval
from worker.batching.work_item import Prediction
from worker.serving.postprocessing import Postprocessor

MANIFEST = Manifest(
    name="test",
    version="1",
    runtime="tensorflow-graph",
    graph="model.pb",
    tensors=Tensors(picture="a", probabilities="b", evidence="c", distance="d", kinds="e"),
    picture=PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH),
    labels=(
        Label(name="mel", title="melanoma", group=Group.MALIGNANT, counts=True),
        Label(name="bcc", title="basal cell carcinoma", group=Group.MALIGNANT, counts=True),
        Label(name="nv", title="nevus", group=Group.BENIGN, counts=False),
    ),
    populations=(
        Population(
            name="dermatoscope",
            temperature=1,
            max_distance=10,
            bands=Bands(
                low_below=0.2,
                low_sensitivity=0.95,
                low_specificity=0.5,
                high_from=0.6,
                high_sensitivity=0.5,
                high_specificity=0.95,
            ),
            reliability=(
                ReliabilityBin(start=0, stop=0.5, lesions=100, malignant=3),
                ReliabilityBin(start=0.5, stop=0.9, lesions=0, malignant=0),
                ReliabilityBin(start=0.9, stop=1, lesions=40, malignant=38),
            ),
        ),
    ),
    kinds=Kinds(names=("dermatoscope", "phone", "no_lesion"), no_lesion="no_lesion", refuse_from=0.8),
    metrics={"auc": Metric(value=0.8, pictures=10)},
    data=(DataSource(name="made", licence="MIT", use="test", pictures=1),),
    licence="MIT",
    made_with={},
    files={"model.pb": StoredFile(sha256="0" * 64, size=1)},
)


DERMATOSCOPE_KINDS, PHONE_KINDS = (0.7, 0.2, 0.1), (0.1, 0.7, 0.2)


def decide(malignant: float, distance: float = 1.0, kinds: tuple[float, ...] = DERMATOSCOPE_KINDS) -> Verdict | Refusal:
    prediction = Prediction(
        probabilities=np.array([malignant / 2, malignant / 2, 1 - malignant], np.float32),
        evidence=np.array([[1, -2], [0.5, 0]], np.float32),
        distance=distance,
        kinds=np.array(kinds, np.float32),
        batch_size=3,
        wait_s=0.1,
        predict_s=0.2,
    )
    return Postprocessor(MANIFEST).decide(prediction, advice=(Advice.DARK,), decode_s=0.01)


def verdict(malignant: float, distance: float = 1.0, kinds: tuple[float, ...] = DERMATOSCOPE_KINDS) -> Verdict:
    result = decide(malignant, distance, kinds)
    assert isinstance(result, Verdict)
    return result


@pytest.mark.parametrize(
    ("malignant", "band"), [(0.1, Band.LOW), (0.25, Band.ELEVATED), (0.65, Band.HIGH), (1.0, Band.HIGH)]
)
def test_bands_of_a_measured_population(malignant: float, band: Band) -> None:
    result = verdict(malignant)
    assert (result.band, result.population, result.advice) == (band, "dermatoscope", (Advice.DARK,))
    assert result.probability == pytest.approx(malignant)


def test_receipt_counts_the_lesions_that_scored_like_this() -> None:
    receipt = verdict(0.1).receipt
    assert receipt is not None
    assert (receipt.malignant, receipt.lesions, receipt.population) == (3, 100, "dermatoscope")
    assert (receipt.low, receipt.high) == pytest.approx((0.01025, 0.08452), abs=1e-4)
    last = verdict(1.0).receipt
    assert last is not None
    assert last.lesions == 40
    assert verdict(0.7).receipt is None, "no held-out lesion scored like this"


def test_image_unlike_the_measured_ones_is_never_reassuring() -> None:
    for malignant in (0.0, 0.1, 0.3, 0.55):
        result = verdict(malignant, distance=11)
        assert (result.band, result.receipt, result.population) == (Band.UNCERTAIN, None, UNMEASURED)
    assert verdict(0.9, distance=11).band is Band.HIGH


def test_phone_image_is_never_of_the_dermatoscope_population() -> None:
    for malignant in (0.0, 0.1, 0.3, 0.55):
        result = verdict(malignant, kinds=PHONE_KINDS)
        assert (result.band, result.receipt, result.population) == (Band.UNCERTAIN, None, UNMEASURED)


def test_image_without_a_lesion_is_refused() -> None:
    assert isinstance(decide(0.9, kinds=(0.15, 0.06, 0.79)), Verdict), "in doubt the image counts as a lesion"
    refused = decide(0.9, kinds=(0.1, 0.05, 0.85))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.advice) == (RefusalReason.NOT_A_LESION, (Advice.DARK,))
    assert refused.probabilities == pytest.approx({"mel": 0.45, "bcc": 0.45, "nv": 0.1}), "for researchers' tables"


@given(trials=st.integers(1, 10_000), data=st.data())
def test_wilson_interval_contains_the_share(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials + 1e-9
    assert hits / trials - 1e-9 <= high <= 1
