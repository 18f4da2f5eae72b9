from pathlib import Path

import numpy as np
import pytest

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.exporting.left_out import measure_predictions
from training.fitting.validation import write_predictions

MEL, NV = LABEL_NAMES.index("mel"), LABEL_NAMES.index("nv")


def _write(path: Path, harder: float) -> None:
    """Lesions of two sources; those of the left-out one look `harder` less malignant."""
    rng = np.random.default_rng(0)
    images, logits = [], []
    for number in range(600):
        source, label = ("isic2017", "bcn")[number % 2], (MEL, NV)[number // 2 % 2]
        images.append(
            LabelledImage(
                Path(f"{number}.jpg"), label, source, Population.DERMATOSCOPE, f"lesion {number}", Split.VALID
            )
        )
        row = rng.normal(0, 1, len(LABEL_NAMES))
        row[MEL] += 3 * (label == MEL) - harder * (source == "bcn")
        logits.append(row)
    write_predictions(path, images, np.array(logits, np.float32))


def test_harder_source_gets_a_lower_threshold_and_more_lows(tmp_path: Path) -> None:
    easy, hard = tmp_path / "easy.csv", tmp_path / "hard.csv"
    _write(easy, 0)
    _write(hard, 3)
    results = [measure_predictions(path, ["bcn"]) for path in (easy, hard)]
    assert results[1].low_threshold < 0.5 * results[0].low_threshold
    for name in ("melanoma_auc", "counted_auc", "counted_not_low", "others_low"):
        assert 0 <= results[0].metrics[f"left_out.bcn.{name}"].value <= 1
    not_low = [result.metrics["left_out.bcn.counted_not_low"].value for result in results]
    assert not_low[0] > 0.9 > not_low[1]
    assert results[0].metrics["left_out.bcn.melanoma_auc"].pictures == 300


def test_threshold_keeps_its_promise_for_the_left_out_source(tmp_path: Path) -> None:
    """At the threshold of the result, at most 5 % of the source's malignant lesions are low."""
    path = tmp_path / "predictions.csv"
    _write(path, 2)
    first = measure_predictions(path, ["bcn"])
    assert first.low_threshold > 0
    path.write_text(path.read_text().replace(",mel,", ",melon,"))
    with pytest.raises(TrainingError, match="no table of predictions"):
        measure_predictions(path, ["bcn"])
