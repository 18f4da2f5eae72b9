"""The course of a run as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure


def plot_curves(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw losses above and AUCs below, over the epochs, as a PNG."""
    figure = Figure(figsize=(8, 8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for name in dict.fromkeys(name for row in rows for name in row):
        axes = above if name.endswith("loss") else below if name.endswith("_auc") else None
        if axes is not None:
            shown = [row for row in rows if name in row]
            axes.plot([row["epoch"] for row in shown], [row[name] for row in shown], marker=".", label=name)
    above.set_ylabel("loss")
    below.set(ylabel="ROC AUC", xlabel="epoch")
    for axes in (above, below):
        axes.grid(visible=True, alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    figure.savefig(path, dpi=100)
