"""A verdict in words, the same in the terminal and in the report."""

from typing import Final

from bulk.results.results_file import Row
from shared.contract.decision import UNMEASURED, Advice, Band

BAND_TITLES: Final[dict[str, str]] = {
    Band.HIGH: "High",
    Band.ELEVATED: "Elevated",
    Band.LOW: "Low",
    Band.UNCERTAIN: "Uncertain",
}
BAND_MEANINGS: Final[dict[str, str]] = {
    Band.HIGH: "Scored like lesions of which many were malignant. A doctor should look at it soon.",
    Band.ELEVATED: "Scored above the lesions that were nearly all benign. A doctor should look at it.",
    Band.LOW: "Scored like lesions that were nearly all benign. This does not exclude melanoma.",
    Band.UNCERTAIN: "The model was not measured on pictures like this one: the score neither alarms nor reassures.",
}
_ADVICE: Final[dict[str, str]] = {
    Advice.BLURRED: "blurred",
    Advice.DARK: "too dark",
    Advice.BRIGHT: "overexposed",
    Advice.SMALL: "few pixels",
}
_HIGH_BUT_UNMEASURED: Final = (
    "The model scores it high, but it was never tested on pictures like this one. A doctor should look at it soon."
)


def percent(share: float) -> str:
    """`share` of 1 in whole per cent, never rounded to certainty."""
    if 0 < share < 0.01:
        return "<1\N{NO-BREAK SPACE}%"
    if 0.99 < share < 1:
        return ">99\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def meaning(row: Row) -> str:
    """What the band of a verdict says, and what follows from it."""
    if row["band"] == Band.HIGH and row.get("population") == UNMEASURED:
        return _HIGH_BUT_UNMEASURED
    return BAND_MEANINGS[row["band"]]


def probability_title(row: Row) -> str:
    """What the percentage is. Calibration holds for the pictures that it was made on and no others."""
    return "score, not calibrated here" if row.get("population") == UNMEASURED else "calibrated probability"


def receipt_short(row: Row) -> str:
    """The evidence receipt in a table's cell: `3 of 41 (95 % 1-9 %)`."""
    receipt = row.get("receipt")
    if not receipt:
        return "not measured"
    low, high = round(receipt["low"] * 100), round(receipt["high"] * 100)
    return f"{receipt['malignant']} of {receipt['lesions']} (95 % {low}-{high} %)"


def receipt_long(row: Row) -> str:
    """The evidence receipt as a sentence, or the statement that there is none."""
    receipt = row.get("receipt")
    if not receipt:
        if row.get("population") == UNMEASURED:
            return "Nothing was measured on pictures like this one, so there is no evidence to show for the score."
        return "No held-out lesion scored like this, so there is no evidence to show for the score."
    low, high = round(receipt["low"] * 100), round(receipt["high"] * 100)
    verb = "was" if receipt["malignant"] == 1 else "were"
    return (
        f"Of {receipt['lesions']} held-out lesions that scored like this, {receipt['malignant']} {verb} malignant "
        f"(95\N{NO-BREAK SPACE}% interval {low} to {high}\N{NO-BREAK SPACE}%). "
        f"Measured on {population(receipt['population'])} pictures."
    )


def population(name: str) -> str:
    """The name of a population as a person reads it."""
    return name.replace("_", " ").replace("-", " ")


def advice(row: Row) -> str:
    """Problems of the picture, comma-separated; empty where there are none."""
    return ", ".join(_ADVICE.get(one, str(one)) for one in row.get("advice") or ())


def duration(seconds: float) -> str:
    """A time span with a fitting unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
