import numpy as np
import pytest

from training.calibration.kinds import (
    DERMATOSCOPE,
    KINDS,
    NO_LESION,
    PHONE,
    KindClassifier,
    fit_kind_classifier,
    measure_kinds,
)
from training.data.sources import PhoneSubject


def test_classifier_separates_kinds_of_unequal_frequency() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, 20)) * 2 + 5
    counts = (900, 60, 40)
    features = np.concatenate(
        [rng.normal(centre, 1, (count, 20)) for centre, count in zip(centres, counts, strict=True)]
    )
    names = [name for name, count in zip(KINDS.names, counts, strict=True) for _ in range(count)]
    classifier = fit_kind_classifier(features, names)
    fresh = np.concatenate([rng.normal(centre, 1, (100, 20)) for centre in centres])
    predicted = (fresh @ classifier.weights + classifier.bias).argmax(axis=1)
    assert (predicted == np.repeat(np.arange(3), 100)).mean() > 0.97


def test_measure_kinds_counts_right_names_and_refusals() -> None:
    assert KINDS.names == (DERMATOSCOPE, PHONE, NO_LESION)
    lesions = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.2, 0.2, 0.6], [0.8, 0.1, 0.1]])
    phone = {
        PhoneSubject.LESION: np.array([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]),
        PhoneSubject.HAND: np.array([[0.0, 0.1, 0.9], [0.1, 0.0, 0.9]]),
    }
    metrics = measure_kinds({"held_out": lesions}, phone)
    assert metrics["held_out.named_right"].value == 0.5
    assert metrics["held_out.refused"].value == 0.25
    assert metrics["phone_lesion.named_right"].value == 0.5
    assert metrics["phone_hand.refused"].value == 1
    assert metrics["no_lesion.auc"].value == pytest.approx(1)
    with pytest.raises(KeyError):
        measure_kinds({"held_out": lesions}, {PhoneSubject.HAND: phone[PhoneSubject.HAND]})


def test_image_at_the_limit_counts_as_refused() -> None:
    lesions = np.array([[0.5, 0.0, 0.5], [0.51, 0.0, 0.49]])
    phone = {PhoneSubject.LESION: np.array([[0.1, 0.8, 0.1]])}
    metrics = measure_kinds({"held_out": lesions}, phone)
    assert metrics["held_out.refused"].value == 0.5
    assert metrics["held_out.refused"].pictures == 2
    assert "no_lesion.auc" not in metrics, "there are only lesions"


def test_rare_kind_weighs_as_much_as_a_frequent_one() -> None:
    """Between two kinds that overlap, the limit is half way, although one is ten times as frequent."""
    rng = np.random.default_rng(2)
    counts = (2000, 200, 200)
    features = np.concatenate(
        [rng.normal(centre, 1, (count, 1)) for centre, count in zip((0, 2, 9), counts, strict=True)]
    )
    names = [name for name, count in zip(KINDS.names, counts, strict=True) for _ in range(count)]
    classifier = fit_kind_classifier(features, names)
    first, second, _ = classifier.probabilities(np.array([[1.0]]))[0]
    assert first == pytest.approx(second, abs=0.1)


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    classifier = KindClassifier(np.array([[1.0, 0.0, -1.0]], np.float32), np.array([0.0, 2.0, 0.0], np.float32))
    powers = np.exp([3.0, 2.0, -3.0])
    assert classifier.probabilities(np.array([[3.0], [9e4]])) == pytest.approx(
        np.array([powers / powers.sum(), [1, 0, 0]])
    )


def test_constant_feature_has_no_say() -> None:
    rng = np.random.default_rng(3)
    features = np.concatenate(
        [rng.normal(np.repeat([0, 4, 8], 50)[:, None], 1, (150, 1)), np.full((150, 1), 7.0)], axis=1
    )
    classifier = fit_kind_classifier(features, [name for name in KINDS.names for _ in range(50)])
    assert classifier.weights[1] == pytest.approx(np.zeros(3), abs=1e-3)
