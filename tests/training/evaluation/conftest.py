"""A copy of the shipped artefact, to which a test can add files."""

import shutil
from pathlib import Path

import pytest

from shared.model.artefact import hash_file, read_artefact, write_manifest

SHIPPED = Path(__file__).parents[3] / "models" / "lite0"


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """Graph and manifest of the shipped artefact, without its out-of-fold predictions and evaluation."""
    folder = tmp_path / "artefact"
    folder.mkdir()
    manifest = read_artefact(SHIPPED)
    shutil.copy(SHIPPED / manifest.graph, folder)
    files = {manifest.graph: hash_file(folder / manifest.graph)}
    write_manifest(folder, manifest.model_copy(update={"files": files}))
    return folder
