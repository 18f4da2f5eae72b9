"""An artefact is read only if it is complete and unchanged."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from shared.model.artefact import MANIFEST_NAME, ArtefactError, read_artefact, write_manifest

SHIPPED = Path("models/lite0")
MAX_BYTES = 30 * 2**20


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "artefact"))


def test_the_shipped_artefact_verifies_and_names_its_sources() -> None:
    manifest = read_artefact(SHIPPED)
    assert "non-commercial" in manifest.licence.lower()
    assert {source.name for source in manifest.data}
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < MAX_BYTES
    for population in manifest.populations:
        bins = population.reliability
        assert (bins[0].start, bins[-1].stop) == (0, 1)
        assert all(left.stop == right.start for left, right in pairwise(bins))


def test_a_written_manifest_reads_the_same(artefact: Path) -> None:
    manifest = read_artefact(artefact)
    write_manifest(artefact, manifest)
    assert read_artefact(artefact) == manifest


def test_read_artefact_refuses_a_file_outside_the_directory(artefact: Path) -> None:
    manifest = json.loads((artefact / MANIFEST_NAME).read_text())
    manifest["files"]["../secret"] = manifest["files"]["model.pb"]
    (artefact / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match="plain file name"):
        read_artefact(artefact)


def test_read_artefact_refuses_an_unlisted_graph(artefact: Path) -> None:
    manifest = json.loads((artefact / MANIFEST_NAME).read_text())
    manifest["files"] = {}
    (artefact / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match="does not list it"):
        read_artefact(artefact)
