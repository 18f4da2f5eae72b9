"""The shipped artefact, copied: so that a test can put something beside it."""

import shutil
from pathlib import Path

import pytest

from shared.model.artefact import hash_file, read_artefact, write_manifest

SHIPPED = Path(__file__).parents[3] / "models" / "lite0"


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """Its graph and manifest, without what was measured on real pictures."""
    folder = tmp_path / "artefact"
    folder.mkdir()
    manifest = read_artefact(SHIPPED)
    shutil.copy(SHIPPED / manifest.graph, folder)
    files = {manifest.graph: hash_file(folder / manifest.graph)}
    write_manifest(folder, manifest.model_copy(update={"files": files}))
    return folder
