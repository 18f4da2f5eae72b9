"""A decision as a person reads it: title, probability, evidence receipt, what to do. Telegram's HTML."""

from typing import Final

from bot.locales import translate
from shared.contract.decision import UNMEASURED, Band, Failure, FailureReason, Refusal, Verdict
from shared.images.limits import DECODE_LIMITS

#: Denominators that people read easily.
_OF: Final = (10, 20, 50, 100)

#: Values that some refusals name; Fluent leaves alone what a text does not ask for.
_LIMITS: Final = {"megabytes": DECODE_LIMITS.max_bytes // 2**20, "megapixels": DECODE_LIMITS.max_pixels // 10**6}


def render_answer(decision: Verdict | Refusal | Failure, language: str) -> str:
    """Whole answer to a photograph; fits under one (1,024 characters as Telegram counts them)."""
    if isinstance(decision, Verdict):
        return _verdict(decision, language)
    if isinstance(decision, Refusal):
        title = translate(language, "refusal-title")
        reason = translate(language, f"refusal-{decision.reason.value}", **_LIMITS)
        return f"<b>{title}</b>\n\n{reason}"
    return translate(language, "failure-release" if decision.reason is FailureReason.UNKNOWN_CONTRACT else "failure")


def render_explanation(decision: Verdict | Refusal | Failure, language: str) -> str:
    """What stands behind "what does this mean?" (at most 4,096 characters)."""
    if not isinstance(decision, Verdict):
        return translate(language, "explain-refusal")
    return translate(
        language,
        "explain-verdict",
        calibrated="no" if decision.population == UNMEASURED else "yes",
        percent=format_percent(decision.probability),
        hundred=_bounded(decision.probability * 100),
        # Said only where something was measured.
        population=translate(language, f"population-{decision.population}")
        if decision.population != UNMEASURED
        else "",
    )


def format_percent(share: float) -> str:
    """`share` of 1 in whole per cent, never rounded to certainty."""
    if share < 0.01:
        return "&lt;\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}%"
    if share > 0.99:
        return "&gt;\N{NO-BREAK SPACE}99\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def format_frequency(share: float, language: str) -> str:
    """`share` of 1 as a natural frequency: about 3 in 10. The smallest of the easy denominators within a tenth."""
    if share < 0.01:
        return translate(language, "in-words-few")
    if share > 0.99:
        return translate(language, "in-words-most")
    for of in _OF:
        count = round(share * of)
        if 0 < count < of and abs(count / of - share) <= 0.1 * min(share, 1 - share):
            return translate(language, "in-words-of", count=count, of=of)
    return translate(language, "in-words-of", count=_bounded(share * 100), of=100)


def format_wait(seconds: float | None, language: str) -> str:
    """A time to wait, rounded as people say it; None where nobody knows."""
    if seconds is None:
        return translate(language, "wait-unknown")
    if seconds < 55:
        return translate(language, "wait-seconds", seconds=max(5, 5 * round(seconds / 5)))
    return translate(language, "wait-minutes", minutes=max(1, round(seconds / 60)))


def _verdict(verdict: Verdict, language: str) -> str:
    measured = verdict.population != UNMEASURED
    meaning = "high-unmeasured" if verdict.band is Band.HIGH and not measured else verdict.band.value
    told = format_percent(verdict.probability)
    parts = [
        f"<b>{translate(language, f'band-{verdict.band.value}')}</b>\n{translate(language, f'meaning-{meaning}')}",
        translate(language, "probability", percent=told, words=format_frequency(verdict.probability, language))
        if measured
        else translate(language, "probability-uncalibrated", percent=told),
        _receipt(verdict, language),
    ]
    if verdict.advice:
        problems = [translate(language, f"advice-{one.value}") for one in verdict.advice]
        parts.append(" ".join([*problems, translate(language, "advice-retake")]))
    parts += [translate(language, f"next-{verdict.band.value}"), translate(language, "no-diagnosis")]
    return "\n\n".join(parts)


def _receipt(verdict: Verdict, language: str) -> str:
    receipt = verdict.receipt
    if receipt is None:
        return translate(language, "receipt-unmeasured" if verdict.population == UNMEASURED else "receipt-none")
    return translate(
        language,
        "receipt",
        lesions=receipt.lesions,
        malignant=receipt.malignant,
        low=round(receipt.low * 100),
        high=round(receipt.high * 100),
        population=translate(language, f"population-{receipt.population}"),
    )


def _bounded(hundredths: float) -> int:
    return min(99, max(1, round(hundredths)))
