"""The same photographs get the same answers from real workers with different runtimes."""

from pathlib import Path
from typing import Any

import pytest

from runtimes.openvino_graph import computes_in_bfloat16
from samples.demo import render_samples
from tests.system.support.stack import SHIPPED_ARTEFACT, ServiceStack

pytestmark = pytest.mark.system

IMAGES = 24


def classify(home: Path, folder: Path, **environment: str) -> dict[str, dict[str, Any]]:
    """Let one worker classify the folder; return the rows of the results by file."""
    with ServiceStack(home, {"MELANOMA_ARTEFACT": str(SHIPPED_ARTEFACT), **environment}) as stack:
        stack.start_worker()
        submission = stack.submit(folder)
        assert submission.finish() == 0, submission.output()
        return {row["file"]: row for row in submission.rows()}


def test_jax_and_mixed_precision_give_the_bands_of_the_default(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    render_samples(folder, IMAGES)
    expected = classify(tmp_path / "float32", folder, MELANOMA_PRECISION="float32")
    others = {"jax on CPU:0 in float32": {"MELANOMA_RUNTIME": "jax", "MELANOMA_MAX_BATCH_SIZE": "2"}}
    if computes_in_bfloat16():
        others["openvino on CPU:0 in mixed"] = {"MELANOMA_PRECISION": "mixed"}
    for index, (name, environment) in enumerate(others.items()):
        rows = classify(tmp_path / str(index), folder, **environment)
        assert rows.keys() == expected.keys()
        assert len(rows) == IMAGES
        for file, row in rows.items():
            assert row["kind"] == expected[file]["kind"]
            assert row.get("band") == expected[file].get("band")
            if row["kind"] == "verdict":
                assert row["work"]["runtime"] == name
                assert row["probability"] == pytest.approx(expected[file]["probability"], abs=0.03)
