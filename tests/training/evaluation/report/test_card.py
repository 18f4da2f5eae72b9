"""The card that is shipped says what was measured, of the model that is shipped."""

from pathlib import Path

import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from training.errors import TrainingError
from training.evaluation.report.card import FILE_NAME, render_card
from training.evaluation.result import Evaluation, read_evaluation


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return read_evaluation(SHIPPED)


def test_the_shipped_card_is_that_of_the_shipped_evaluation(found: Evaluation, manifest: Manifest) -> None:
    assert (SHIPPED / FILE_NAME).read_text(encoding="utf-8") == render_card(found, manifest), (
        "melanoma-evaluate --card writes it; it is not edited by hand"
    )


def test_the_card_of_another_model_is_refused(found: Evaluation, manifest: Manifest) -> None:
    with pytest.raises(TrainingError, match="of another model"):
        render_card(found.model_copy(update={"graph_sha256": "0" * 64}), manifest)


def test_it_says_the_licence_who_is_missing_and_what_it_is_not_for(manifest: Manifest) -> None:
    text = (SHIPPED / FILE_NAME).read_text(encoding="utf-8")
    assert manifest.licence in text
    assert all(source.name in text for source in manifest.data)
    for words in ("a low result does not exclude melanoma", "people with dark skin", "V or VI of 5"):
        assert words in text


def test_a_damaged_evaluation_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_evaluation(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"artefact": 1}', encoding="utf-8")
    with pytest.raises(TrainingError, match="is no evaluation"):
        read_evaluation(tmp_path)
