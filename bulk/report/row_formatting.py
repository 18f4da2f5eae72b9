"""Formats result rows as text, the same for the terminal and the HTML report."""

from typing import Final

from bulk.results.result_row import ResultRow
from shared.contract.decision import UNMEASURED, Advice, Band, Receipt, Verdict

#: In the order in which they are listed.
BAND_TITLES: Final[dict[Band, str]] = {
    Band.HIGH: "High",
    Band.ELEVATED: "Elevated",
    Band.LOW: "Low",
    Band.UNCERTAIN: "Uncertain",
}
BAND_MEANINGS: Final[dict[Band, str]] = {
    Band.HIGH: "Scored like lesions of which many were malignant or pre-malignant. A doctor should look at it soon.",
    Band.ELEVATED: "Scored above the lesions that were nearly all benign. A doctor should look at it.",
    Band.LOW: "Scored like lesions that were nearly all benign. This does not exclude melanoma.",
    Band.UNCERTAIN: "The model was not measured on pictures like this one: the score neither alarms nor reassures.",
}
_ADVICE: Final[dict[Advice, str]] = {
    Advice.BLURRED: "blurred",
    Advice.DARK: "too dark",
    Advice.BRIGHT: "overexposed",
    Advice.SMALL: "few pixels",
}
_HIGH_BUT_UNMEASURED: Final = (
    "The model scores it high, but it was never tested on pictures like this one. A doctor should look at it soon."
)


def format_percent(share: float) -> str:
    """Format a share of 1 as a whole percentage that is never rounded to certainty."""
    if 0 < share < 0.01:
        return "<1\N{NO-BREAK SPACE}%"
    if 0.99 < share < 1:
        return ">99\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def format_meaning(verdict: Verdict) -> str:
    """Say what the band of a verdict means, and what follows from it."""
    if verdict.band is Band.HIGH and verdict.population == UNMEASURED:
        return _HIGH_BUT_UNMEASURED
    return BAND_MEANINGS[verdict.band]


def format_probability_title(verdict: Verdict) -> str:
    """Name the percentage. A calibration holds only for images like those that it was made on."""
    return "score, not calibrated here" if verdict.population == UNMEASURED else "calibrated probability"


def format_receipt_short(receipt: Receipt | None) -> str:
    """Format an evidence receipt for a table cell: `3 of 41 (95 % 1-9 %)`."""
    if receipt is None:
        return "not measured"
    low, high = _interval(receipt)
    return f"{receipt.malignant} of {receipt.lesions} (95 % {low}-{high} %)"


def format_receipt(verdict: Verdict) -> str:
    """Format the evidence receipt of a verdict as a sentence, or state that there is none."""
    receipt = verdict.receipt
    if receipt is None:
        if verdict.population == UNMEASURED:
            return "Nothing was measured on pictures like this one, so there is no evidence to show for the score."
        return "No held-out lesion scored like this, so there is no evidence to show for the score."
    low, high = _interval(receipt)
    verb = "was" if receipt.malignant == 1 else "were"
    return (
        f"Of {receipt.lesions} held-out lesions that scored like this, {receipt.malignant} {verb} malignant "
        f"or pre-malignant (95\N{NO-BREAK SPACE}% interval {low} to {high}\N{NO-BREAK SPACE}%). "
        f"Measured on {format_population(receipt.population)} pictures."
    )


def format_population(name: str) -> str:
    """Format the name of a population as words."""
    return name.replace("_", " ").replace("-", " ")


def format_advice(row: ResultRow) -> str:
    """List the problems of an image, comma-separated; empty if there are none."""
    return ", ".join(_ADVICE[advice] for advice in row.advice)


def format_duration(seconds: float) -> str:
    """Format a time span with a fitting unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _interval(receipt: Receipt) -> tuple[int, int]:
    return round(receipt.low * 100), round(receipt.high * 100)
