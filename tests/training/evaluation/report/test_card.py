import shutil
from pathlib import Path

import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from training.errors import TrainingError
from training.evaluation.output import write_agreement
from training.evaluation.report.card import CARD_NAME, render_card
from training.evaluation.result import AgreementResult, Evaluation, read_evaluation


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return read_evaluation(SHIPPED)


def test_shipped_card_is_rendered_from_the_shipped_evaluation(evaluation: Evaluation, manifest: Manifest) -> None:
    assert (SHIPPED / CARD_NAME).read_text(encoding="utf-8") == render_card(evaluation, manifest), (
        "melanoma-evaluate --card writes it; it is not edited by hand"
    )


def test_evaluation_of_another_model_is_refused(evaluation: Evaluation, manifest: Manifest) -> None:
    with pytest.raises(TrainingError, match="of another model"):
        render_card(evaluation.model_copy(update={"graph_sha256": "0" * 64}), manifest)


def test_card_names_licence_sources_limits_and_missing_people(manifest: Manifest) -> None:
    text = (SHIPPED / CARD_NAME).read_text(encoding="utf-8")
    assert manifest.licence in text
    assert all(source.name in text for source in manifest.data)
    for phrase in ("a low result does not exclude melanoma", "people with dark skin", "V or VI of 5"):
        assert phrase in text


def test_comparison_of_runtimes_is_written_into_the_card(manifest: Manifest, tmp_path: Path) -> None:
    artefact = Path(shutil.copytree(SHIPPED, tmp_path / "artefact"))
    reference = AgreementResult(
        runtime="tensorflow",
        device="CPU:0",
        precision="float32",
        pictures=1586,
        band_changes=0,
        max_difference=0,
        mean_difference=0,
        max_distance_difference=0,
        max_evidence_difference=0,
        auc_change=0,
        pictures_per_second=80,
        speed_ratio=1,
    )
    other = reference.model_copy(
        update={
            "runtime": "openvino",
            "precision": "mixed",
            "band_changes": 1,
            "max_difference": 0.0294,
            "mean_difference": 0.00078,
            "auc_change": 0.00016,
            "speed_ratio": 3.456,
        }
    )
    write_agreement((reference, other), artefact)
    assert read_evaluation(artefact).agreement == (reference, other)
    text = (artefact / CARD_NAME).read_text(encoding="utf-8")
    assert "| openvino on CPU, mixed | 1 | 0.029 / 0.00078 | +0.0002 | 3.46 |" in text
    assert "on the same 1586 pictures" in text
    assert "--agreement --card" in text
    assert "tensorflow on CPU" not in text, "the reference is what the others are compared with"
    write_agreement((reference.without_speed(), other.without_speed()), artefact)
    text = (artefact / CARD_NAME).read_text(encoding="utf-8")
    assert "| openvino on CPU, mixed | 1 | 0.029 / 0.00078 | +0.0002 |\n" in text
    assert "change of the AUC |\n|---|---|---|---|\n| openvino" in text
    unmeasured = read_evaluation(SHIPPED).model_copy(update={"agreement": ()})
    assert "Whether runtimes agree" not in render_card(unmeasured, manifest)


def test_damaged_evaluation_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_evaluation(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"artefact": 1}', encoding="utf-8")
    with pytest.raises(TrainingError, match="is no evaluation"):
        read_evaluation(tmp_path)
