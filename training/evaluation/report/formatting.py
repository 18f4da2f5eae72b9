"""Formats metrics for the report and the card."""

from shared.model.artefact import Metric


def format_metric(metric: Metric | None) -> str:
    """`0.926 (0.906 to 0.944)`; a dash if there is no metric."""
    if metric is None:
        return "-"
    interval = format_interval(metric)
    return f"{metric.value:.3f}" + (f" ({interval})" if interval else "")


def format_interval(metric: Metric) -> str:
    """`0.906 to 0.944`; nothing if the metric has no interval."""
    return "" if metric.low is None or metric.high is None else f"{metric.low:.3f} to {metric.high:.3f}"


def format_percent(metric: Metric | None, digits: int = 0) -> str:
    """`92.6 % (90.6 to 94.4)`; a dash if there is no metric."""
    if metric is None:
        return "-"
    value = format_share(metric.value, digits)
    if metric.low is None or metric.high is None:
        return value
    return f"{value} ({100 * metric.low:.{digits}f} to {100 * metric.high:.{digits}f})"


def format_share(value: float, digits: int = 0) -> str:
    """`92.6 %` for a share in [0, 1]."""
    return f"{100 * value:.{digits}f} %"


def format_points(shift: float | None) -> str:
    """`-6.2`, in points with its sign, for a shift of a probability; a dash if there is none."""
    return "-" if shift is None else f"{100 * shift:+.1f}"


def format_per_hundred(metric: Metric) -> str:
    """`5 (2 to 9)`, the number out of a hundred, for a share in [0, 1]."""
    low, high = metric.low or 0.0, metric.high or 0.0
    return f"{100 * metric.value:.0f} ({100 * low:.0f} to {100 * high:.0f})"


def complement(metric: Metric) -> Metric:
    """One minus the share, with its interval."""
    interval = {} if metric.low is None or metric.high is None else {"low": 1 - metric.high, "high": 1 - metric.low}
    return Metric(value=1 - metric.value, pictures=metric.pictures, **interval)
