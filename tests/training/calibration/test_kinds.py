import numpy as np
import pytest

from training.calibration.kinds import DERMATOSCOPE, KINDS, NO_LESION, PHONE, fit_kind_classifier, measure_kinds
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
