from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.exporting.out_of_fold import OutOfFoldTable, read_out_of_fold, write_out_of_fold


def make_table() -> OutOfFoldTable:
    rng = np.random.default_rng(1)
    return OutOfFoldTable(
        image_sha256=("a" * 64, "b" * 64, "c" * 64),
        folds=np.array([0, 1, 3]),
        labels=("mel", "nv"),
        kind_names=("dermatoscope", "phone", "no_lesion"),
        probabilities=rng.dirichlet(np.ones(2), 3),
        kinds=rng.dirichlet(np.ones(3), 3),
    )


def test_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, written = tmp_path / "out_of_fold.csv", make_table()
    write_out_of_fold(path, written)
    table = read_out_of_fold(path)
    assert (table.image_sha256, table.labels, table.kind_names) == (
        written.image_sha256,
        written.labels,
        written.kind_names,
    )
    assert table.folds.tolist() == [0, 1, 3]
    assert table.probabilities == pytest.approx(written.probabilities, abs=1e-6)
    assert table.kinds == pytest.approx(written.kinds, abs=1e-6)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out_of_fold.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no table"),
        ("picture,fold,mel,kind_phone\n", "is no table"),
        ("picture,fold,mel,nv\naa,0,0.5,0.5\n", "is no table"),
        ("picture,fold,mel,kind_phone\naa,0,0.5\n", "line 2"),
        ("picture,fold,mel,kind_phone\naa,0,0.5,1\nbb,0,half,1\n", "line 3"),
        ("picture,fold,mel,kind_phone\naa,0,nan,1\n", "line 2"),
        ("picture,fold,mel,kind_phone\naa,0,1.5,1\n", "between 0 and 1"),
    ],
)
def test_invalid_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "out_of_fold.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=message) as caught:
        read_out_of_fold(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_out_of_fold(tmp_path / "absent.csv")
