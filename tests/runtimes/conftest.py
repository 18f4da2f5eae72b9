"""The shipped artefact's manifest and images for it, made once for each module."""

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.model.artefact import Manifest, read_artefact
from tests.runtimes.images import ARTEFACT, render_images


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """The manifest of the shipped artefact."""
    return read_artefact(ARTEFACT)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> NDArray[np.uint8]:
    """Images of its input size."""
    return render_images(tmp_path_factory.mktemp("images"), manifest.picture.size)
