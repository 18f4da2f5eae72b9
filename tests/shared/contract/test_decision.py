"""A decision that can be written can be read back, and no number in it is infinite or NaN."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.contract.decision import (
    Band,
    EvidenceMap,
    Receipt,
    Refusal,
    RefusalReason,
    Verdict,
    Work,
    decision_from_json,
)

NOT_FINITE = [math.inf, -math.inf, math.nan]

WORK: dict[str, Any] = {"batch": 1, "wait_s": 0.0, "decode_s": 0.0, "predict_s": 0.0}


def make_verdict(work: dict[str, Any] | None = None, **changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "artefact": "test@1",
        "population": "phone",
        "probability": 0.5,
        "probabilities": {"mel": 0.5, "nv": 0.5},
        "band": Band.ELEVATED,
        "receipt": Receipt(lesions=10, malignant=5, low=0.2, high=0.8, population="phone"),
        "evidence": EvidenceMap(rows=1, columns=1, cells=(0,)),
        "distance": 1.0,
        "work": Work(**WORK | (work or {})),
    }
    return Verdict(**fields | changes)


@given(
    probability=st.floats(0, 1),
    distance=st.floats(0, allow_nan=False, allow_infinity=False),
    wait_s=st.floats(0, allow_nan=False, allow_infinity=False),
)
def test_verdict_is_read_back_as_it_was_written(probability: float, distance: float, wait_s: float) -> None:
    verdict = make_verdict(
        {"wait_s": wait_s}, probability=probability, probabilities={"mel": probability}, distance=distance
    )
    assert decision_from_json(verdict.model_dump_json()) == verdict


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize(
    "changes",
    [
        lambda value: {"probability": value},
        lambda value: {"probabilities": {"mel": value}},
        lambda value: {"distance": value},
        lambda value: {"work": {"wait_s": value}},
        lambda value: {"work": {"predict_s": value}},
    ],
    ids=["probability", "probabilities", "distance", "wait_s", "predict_s"],
)
def test_verdict_takes_no_number_that_is_not_finite(changes: Any, value: float) -> None:
    with pytest.raises(ValidationError):
        make_verdict(**changes(value))


@pytest.mark.parametrize("value", NOT_FINITE)
def test_refusal_takes_no_number_that_is_not_finite(value: float) -> None:
    with pytest.raises(ValidationError):
        Refusal(reason=RefusalReason.NOT_A_LESION, probabilities={"mel": value})


@pytest.mark.parametrize("share", [-0.001, 1.001])
def test_probability_of_a_label_is_a_share(share: float) -> None:
    with pytest.raises(ValidationError):
        make_verdict(probabilities={"mel": share})
