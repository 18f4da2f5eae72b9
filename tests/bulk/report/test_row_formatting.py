"""Tests of `bulk.report.row_formatting`: the texts never say more than was measured."""

import pytest

from bulk.report.row_formatting import BAND_MEANINGS, format_meaning, format_probability_title, format_receipt
from shared.contract.decision import UNMEASURED, Band
from tests.bulk.fake_worker import verdict


def test_a_high_score_on_an_unmeasured_image_sends_to_a_doctor_without_a_claim() -> None:
    unmeasured = verdict(b"").model_copy(update={"band": Band.HIGH, "population": UNMEASURED, "receipt": None})
    assert "doctor" in format_meaning(unmeasured)
    assert "never tested" in format_meaning(unmeasured)
    assert "not calibrated" in format_probability_title(unmeasured)
    assert "Nothing was measured" in format_receipt(unmeasured)


@pytest.mark.parametrize("band", [Band.LOW, Band.ELEVATED, Band.HIGH])
def test_each_band_of_a_measured_image_has_its_meaning(band: Band) -> None:
    measured = verdict(b"").model_copy(update={"band": band})
    assert format_meaning(measured) == BAND_MEANINGS[band]
    assert format_probability_title(measured) == "calibrated probability"


def test_a_low_band_does_not_exclude_melanoma() -> None:
    assert "does not exclude melanoma" in BAND_MEANINGS[Band.LOW]
