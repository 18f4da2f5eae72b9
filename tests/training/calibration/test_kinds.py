import numpy as np
import pytest

from training.calibration.kinds import DERMATOSCOPE, KINDS, NO_LESION, PHONE, fit_kind_classifier, measure_kinds
from training.data.sources import PhoneSubject


def test_learns_kinds_that_can_be_told_apart_however_many_of_each_there_are() -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, 20)) * 2 + 5
    counts = (900, 60, 40)
    features = np.concatenate(
        [rng.normal(centre, 1, (count, 20)) for centre, count in zip(centres, counts, strict=True)]
    )
    names = [name for name, count in zip(KINDS.names, counts, strict=True) for _ in range(count)]
    head = fit_kind_classifier(features, names)
    fresh = np.concatenate([rng.normal(centre, 1, (100, 20)) for centre in centres])
    found = (fresh @ head.weights + head.bias).argmax(axis=1)
    assert (found == np.repeat(np.arange(3), 100)).mean() > 0.97


def test_figures_count_what_is_named_right_and_what_is_refused() -> None:
    assert KINDS.names == (DERMATOSCOPE, PHONE, NO_LESION)
    lesions = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.2, 0.2, 0.6], [0.8, 0.1, 0.1]])
    phone = {
        PhoneSubject.LESION: np.array([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]),
        PhoneSubject.HAND: np.array([[0.0, 0.1, 0.9], [0.1, 0.0, 0.9]]),
    }
    found = measure_kinds({"held_out": lesions}, phone)
    assert found["held_out.named_right"].value == 0.5
    assert found["held_out.refused"].value == 0.25
    assert found["phone_lesion.named_right"].value == 0.5
    assert found["phone_hand.refused"].value == 1
    assert found["no_lesion.auc"].value == pytest.approx(1)
    with pytest.raises(KeyError):
        measure_kinds({"held_out": lesions}, {PhoneSubject.HAND: phone[PhoneSubject.HAND]})
