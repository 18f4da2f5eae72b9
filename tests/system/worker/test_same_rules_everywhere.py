"""The served model has the AUC that `model.json` states, on the images that it was tested on."""

import csv
import os
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from shared.model.artefact import read_artefact
from tests.system.support.stack import SHIPPED_ARTEFACT, ServiceStack

pytestmark = pytest.mark.system

#: ISIC 2017's test set, laid out as `<label>/<file>`. It is not part of the project.
TEST_SET = Path(os.environ.get("MELANOMA_TEST_DATA", "../shared/data")) / "isic2017"


@pytest.mark.skipif(
    not TEST_SET.is_dir() and not os.environ.get("CI"), reason="ISIC 2017 is missing: set MELANOMA_TEST_DATA"
)
def test_served_auc_equals_the_measured_auc(tmp_path: Path) -> None:
    with (TEST_SET / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        melanoma = {row["file"]: row["dx"] == "melanoma" for row in csv.DictReader(stream) if row["split"] == "test"}
    with ServiceStack(tmp_path / "stack", {"MELANOMA_ARTEFACT": str(SHIPPED_ARTEFACT)}) as stack:
        stack.start_worker()
        submission = stack.submit(TEST_SET / "test", "--recursive")
        assert submission.finish() == 0, submission.output()
        rows = submission.csv_rows()
    assert len(rows) == len(melanoma)
    truth = [melanoma[Path(row["file"]).name] for row in rows]
    served = roc_auc_score(truth, [float(row["p_mel"]) for row in rows])
    measured = read_artefact(SHIPPED_ARTEFACT).metrics["isic2017_test.melanoma_auc"].value
    assert served == pytest.approx(measured, abs=0.0005)
