"""Rendered answers are short enough, claim only what was measured, and give the same numbers in words and figures."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.locales import list_languages, translate
from bot.presentation import rendering
from shared.contract.decision import (
    UNMEASURED,
    Advice,
    Band,
    EvidenceMap,
    Failure,
    FailureReason,
    Receipt,
    Refusal,
    RefusalReason,
    Verdict,
    Work,
)
from simulator.bot_api.html_entities import parse_text
from simulator.utf16 import utf16_length

#: Telegram's limits on a caption and on a message.
MAX_CAPTION: Final = 1024
MAX_MESSAGE: Final = 4096

shares = st.floats(0, 1)
receipts = st.builds(
    Receipt,
    lesions=st.integers(1, 10**6),
    malignant=st.integers(0, 10**6),
    low=shares,
    high=shares,
    population=st.sampled_from(["dermatoscope", "phone"]),
)
verdicts = st.builds(
    Verdict,
    artefact=st.just("a@1"),
    population=st.sampled_from(["dermatoscope", "phone", UNMEASURED]),
    probability=shares,
    probabilities=st.just({}),
    band=st.sampled_from(Band),
    receipt=st.none() | receipts,
    evidence=st.just(EvidenceMap(rows=1, columns=1, cells=(0,))),
    distance=shares,
    advice=st.lists(st.sampled_from(Advice), unique=True).map(tuple),
    work=st.just(Work(batch=1, wait_s=0, decode_s=0, predict_s=0)),
)
VERDICT: Final = Verdict(
    artefact="a@1",
    population="phone",
    probability=0.5,
    probabilities={},
    band=Band.HIGH,
    receipt=None,
    evidence=EvidenceMap(rows=1, columns=1, cells=(0,)),
    distance=0,
    advice=(),
    work=Work(batch=1, wait_s=0, decode_s=0, predict_s=0),
)
decisions = (
    verdicts
    | st.builds(Refusal, reason=st.sampled_from(RefusalReason))
    | st.builds(Failure, reason=st.sampled_from(FailureReason))
)
languages = st.sampled_from(list_languages())


@given(decision=decisions, language=languages)
def test_answer_fits_under_a_photo(decision: Verdict | Refusal | Failure, language: str) -> None:
    answer, _ = parse_text(rendering.render_answer(decision, language), "HTML")
    assert 0 < utf16_length(answer) <= MAX_CAPTION
    explanation, _ = parse_text(rendering.render_explanation(decision, language), "HTML")
    assert 0 < utf16_length(explanation) <= MAX_MESSAGE


@given(verdict=verdicts, language=languages)
def test_unmeasured_score_is_never_called_a_probability(verdict: Verdict, language: str) -> None:
    answer = rendering.render_answer(verdict, language)
    calibrated = translate(language, "probability", percent="|", words="|").split("|")[0]
    assert (calibrated in answer) == (verdict.population != UNMEASURED)
    assert translate(language, "no-diagnosis") in answer


@given(share=shares, language=languages)
def test_words_and_figures_of_a_probability_agree(share: float, language: str) -> None:
    numbers = [int(number) for number in re.findall(r"\d+", rendering.format_frequency(share, language))]
    if 0.01 <= share <= 0.99:
        count, total = numbers
        assert abs(count / total - share) <= 0.1 * min(share, 1 - share) + 0.006
    assert rendering.format_percent(share) not in ("0\N{NO-BREAK SPACE}%", "100\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize("language", list_languages())
def test_probability_below_one_per_cent_is_explained_as_fewer_than_one(language: str) -> None:
    explained = translate(language, "explain-verdict", calibrated="yes", percent="|", hundred=0, population="|")
    assert re.search("fewer than one was|меньше одного", explained)


@given(low=st.floats(0, 1), width=st.floats(0, 1), language=languages)
def test_interval_as_shown_contains_the_interval(low: float, width: float, language: str) -> None:
    high = min(1, low + width)
    receipt = Receipt(lesions=86, malignant=0, low=low, high=high, population="phone")
    shown = rendering._render_receipt(VERDICT.model_copy(update={"receipt": receipt}), language)
    interval = re.search(r"(\d+)[^\d]{1,6}(\d+)\s?%\)", shown)
    assert interval is not None
    assert int(interval[1]) <= low * 100 <= high * 100 <= int(interval[2]) + 1e-9
    assert int(interval[2]) > 0 or high == 0


@pytest.mark.parametrize("language", list_languages())
def test_toasts_are_as_short_as_telegram_allows(language: str) -> None:
    for toast in ("button-not-yours", "answer-expired", "feedback-thanks"):
        assert len(translate(language, toast)) <= 200
