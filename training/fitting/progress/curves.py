"""Plots the metrics of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure


def plot_curves(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Plot losses and AUCs over the epochs into a PNG file."""
    figure = Figure(figsize=(8, 8), layout="constrained")
    loss_axes, auc_axes = figure.subplots(2, 1, sharex=True)
    for name in dict.fromkeys(name for row in rows for name in row):
        axes = loss_axes if name.endswith("loss") else auc_axes if name.endswith("_auc") else None
        if axes is not None:
            points = [(row["epoch"], row[name]) for row in rows if name in row]
            axes.plot(*zip(*points, strict=True), marker=".", label=name)
    loss_axes.set_ylabel("loss")
    auc_axes.set(ylabel="ROC AUC", xlabel="epoch")
    for axes in (loss_axes, auc_axes):
        axes.grid(visible=True, alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    figure.savefig(path, dpi=100)
