"""Renders a decision as text: title, probability, evidence receipt, what to do. Telegram's HTML."""

import math
from typing import Final

from bot.locales import translate
from shared.contract.decision import UNMEASURED, Band, Failure, FailureReason, Refusal, Verdict
from shared.images.limits import DECODE_LIMITS

#: Denominators that people read easily.
_DENOMINATORS: Final = (10, 20, 50, 100)

#: Values that texts of refusals may use. Fluent ignores values that a text does not use.
_LIMITS: Final = {"megabytes": DECODE_LIMITS.max_bytes // 2**20, "megapixels": DECODE_LIMITS.max_pixels // 10**6}


def render_answer(decision: Verdict | Refusal | Failure, language: str) -> str:
    """Return the answer to a photo. It fits under a photo (1,024 characters as Telegram counts them)."""
    if isinstance(decision, Verdict):
        return _render_verdict(decision, language)
    if isinstance(decision, Refusal):
        title = translate(language, "refusal-title")
        reason = translate(language, f"refusal-{decision.reason.value}", **_LIMITS)
        return f"<b>{title}</b>\n\n{reason}"
    return translate(
        language, "failure-other-release" if decision.reason is FailureReason.UNKNOWN_CONTRACT else "failure"
    )


def render_explanation(decision: Verdict | Refusal | Failure, language: str) -> str:
    """Return the answer to "What does this mean?" (at most 4,096 characters)."""
    if not isinstance(decision, Verdict):
        return translate(language, "explain-refusal")
    return translate(
        language,
        "explain-verdict",
        calibrated="no" if decision.population == UNMEASURED else "yes",
        percent=format_percent(decision.probability),
        hundred=_count_in_hundred(decision.probability),
        # Used only if something was measured.
        population=translate(language, f"population-{decision.population}")
        if decision.population != UNMEASURED
        else "",
    )


def format_percent(share: float) -> str:
    """Format a share of 1 in whole per cent, never rounded to 0 or 100 %."""
    if share < 0.01:
        return "&lt;\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}%"
    if share > 0.99:
        return "&gt;\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def format_frequency(share: float, language: str) -> str:
    """Format a share of 1 as a natural frequency, like "about 3 in 10".

    The denominator is the smallest easy one with which the frequency is within a tenth of the share.
    """
    if share < 0.01:
        return translate(language, "frequency-very-low")
    if share > 0.99:
        return translate(language, "frequency-very-high")
    for total in _DENOMINATORS:
        count = round(share * total)
        if 0 < count < total and abs(count / total - share) <= 0.1 * min(share, 1 - share):
            return translate(language, "frequency", count=count, total=total)
    return translate(language, "frequency", count=_clamp_percent(share * 100), total=100)


def format_wait(seconds: float | None, language: str) -> str:
    """Format a time to wait, rounded as people say it. None means unknown."""
    if seconds is None:
        return translate(language, "wait-unknown")
    if seconds < 55:
        return translate(language, "wait-seconds", seconds=max(5, 5 * round(seconds / 5)))
    if seconds < 90 * 60:
        return translate(language, "wait-minutes", minutes=max(1, round(seconds / 60)))
    return translate(language, "wait-hours", hours=round(seconds / 3600))


def _render_verdict(verdict: Verdict, language: str) -> str:
    is_measured = verdict.population != UNMEASURED
    meaning = "high-unmeasured" if verdict.band is Band.HIGH and not is_measured else verdict.band.value
    percent = format_percent(verdict.probability)
    parts = [
        f"<b>{translate(language, f'band-{verdict.band.value}')}</b>\n{translate(language, f'meaning-{meaning}')}",
        translate(language, "probability", percent=percent, words=format_frequency(verdict.probability, language))
        if is_measured
        else translate(language, "probability-uncalibrated", percent=percent),
        _render_receipt(verdict, language),
    ]
    if verdict.advice:
        problems = [translate(language, f"advice-{advice.value}") for advice in verdict.advice]
        parts.append(" ".join([*problems, translate(language, "advice-retake")]))
    parts += [translate(language, f"next-{verdict.band.value}"), translate(language, "no-diagnosis")]
    return "\n\n".join(parts)


def _render_receipt(verdict: Verdict, language: str) -> str:
    receipt = verdict.receipt
    if receipt is None:
        return translate(language, "receipt-unmeasured" if verdict.population == UNMEASURED else "receipt-no-lesions")
    return translate(
        language,
        "receipt",
        lesions=receipt.lesions,
        malignant=receipt.malignant,
        # Outwards, so that the interval as shown contains the one that was computed, and never reads "0 to 0".
        low=math.floor(receipt.low * 100),
        high=math.ceil(receipt.high * 100),
        population=translate(language, f"population-{receipt.population}"),
    )


def _count_in_hundred(share: float) -> int:
    """Return how many of a hundred a share of 1 is; 0 for fewer than one, 100 for more than 99."""
    if share < 0.01:
        return 0
    return 100 if share > 0.99 else _clamp_percent(share * 100)


def _clamp_percent(percent: float) -> int:
    return min(99, max(1, round(percent)))
