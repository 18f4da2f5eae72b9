"""What was predicted out of fold travels with the artefact, and is not mistaken for anything else."""

from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.exporting.out_of_fold import OutOfFoldTable, read_out_of_fold, write_out_of_fold


def made() -> OutOfFoldTable:
    rng = np.random.default_rng(1)
    return OutOfFoldTable(
        image_sha256=("a" * 64, "b" * 64, "c" * 64),
        folds=np.array([0, 1, 3]),
        labels=("mel", "nv"),
        kind_names=("dermatoscope", "phone", "no_lesion"),
        probabilities=rng.dirichlet(np.ones(2), 3),
        kinds=rng.dirichlet(np.ones(3), 3),
    )


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, given = tmp_path / "out_of_fold.csv", made()
    write_out_of_fold(path, given)
    found = read_out_of_fold(path)
    assert (found.image_sha256, found.labels, found.kind_names) == (given.image_sha256, given.labels, given.kind_names)
    assert found.folds.tolist() == [0, 1, 3]
    assert found.probabilities == pytest.approx(given.probabilities, abs=1e-6)
    assert found.kinds == pytest.approx(given.kinds, abs=1e-6)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out_of_fold.csv"]


@pytest.mark.parametrize(
    ("text", "words"),
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
def test_another_file_is_refused_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "out_of_fold.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=words) as caught:
        read_out_of_fold(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_out_of_fold(tmp_path / "absent.csv")
