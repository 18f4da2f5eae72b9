from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.exporting.out_of_fold import OutOfFoldTable, read_out_of_fold, write_out_of_fold

HEADER = "source,picture,fold,head,distance,mel,kind_phone\n"


def make_table() -> OutOfFoldTable:
    rng = np.random.default_rng(1)
    return OutOfFoldTable(
        names=(("pad_ufes_20", "PAT_1"), ("pad_ufes_20", "PAT_2"), ("other", "PAT_1")),
        folds=np.array([0, 1, 3]),
        heads=("phone", "dermatoscope", "phone"),
        distance=np.array([1.5, np.nan, 0.0]),
        labels=("mel", "nv"),
        kind_names=("dermatoscope", "phone", "no_lesion"),
        probabilities=rng.dirichlet(np.ones(2), 3),
        kinds=rng.dirichlet(np.ones(3), 3),
    )


def test_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, written = tmp_path / "out_of_fold.csv", make_table()
    write_out_of_fold(path, written)
    table = read_out_of_fold(path)
    for field in ("names", "heads", "labels", "kind_names"):
        assert getattr(table, field) == getattr(written, field)
    assert table.distance == pytest.approx(written.distance, nan_ok=True)
    assert table.folds.tolist() == [0, 1, 3]
    assert table.probabilities == pytest.approx(written.probabilities, abs=1e-6)
    assert table.kinds == pytest.approx(written.kinds, abs=1e-6)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out_of_fold.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no table"),
        (HEADER, "is no table"),
        ("source,picture,fold,head,distance,mel,nv\ns,a,0,phone,1,0.5,0.5\n", "is no table"),
        ("picture,fold,mel,kind_phone\naa,0,0.5,0.5\n", "is no table"),
        (HEADER + "s,a,0,phone,1,0.5\n", "line 2"),
        (HEADER + "s,a,0,phone,1,0.5,1\ns,b,0,phone,1,half,1\n", "line 3"),
        (HEADER + "s,a,0,phone,1,nan,1\n", "line 2"),
        (HEADER + "s,a,,phone,1,0.5,1\n", "line 2"),
        (HEADER + "s,a,0,phone,-1,0.5,1\n", "line 2"),
        (HEADER + "s,a,0\n", "line 2"),
        (HEADER + "s,a,0,phone,1,1.5,1\n", "between 0 and 1"),
        (HEADER + "s,a,0,phone,1,0.5,1\ns,a,1,phone,1,0.5,1\n", "2 rows for a of s"),
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
