from pathlib import Path

import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from training.errors import TrainingError
from training.evaluation.report.card import CARD_NAME, render_card
from training.evaluation.result import Evaluation, read_evaluation


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


def test_damaged_evaluation_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_evaluation(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"artefact": 1}', encoding="utf-8")
    with pytest.raises(TrainingError, match="is no evaluation"):
        read_evaluation(tmp_path)
