"""What a person reads never says more than was measured."""

import pytest

from bulk.report import formatting
from shared.contract.decision import UNMEASURED, Band


def test_a_high_score_on_an_unmeasured_picture_sends_to_a_doctor_without_a_claim() -> None:
    row = {"band": Band.HIGH, "population": UNMEASURED, "receipt": None}
    assert "doctor" in formatting.meaning(row)
    assert "never tested" in formatting.meaning(row)
    assert "not calibrated" in formatting.probability_title(row)
    assert "Nothing was measured" in formatting.receipt_long(row)


@pytest.mark.parametrize("band", [Band.LOW, Band.ELEVATED, Band.HIGH])
def test_each_band_of_a_measured_picture_has_its_meaning(band: Band) -> None:
    row = {"band": band, "population": "dermatoscope"}
    assert formatting.meaning(row) == formatting.BAND_MEANINGS[band]
    assert formatting.probability_title(row) == "calibrated probability"


def test_a_low_band_does_not_exclude_melanoma() -> None:
    assert "does not exclude melanoma" in formatting.BAND_MEANINGS[Band.LOW]
