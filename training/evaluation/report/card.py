"""`CARD.md`: the model card (Mitchell et al., FAT* 2019), rendered from evaluation and manifest alone."""

from typing import Final

from shared.model.artefact import Manifest
from training.errors import TrainingError
from training.evaluation.report.html_report import make_environment
from training.evaluation.result import Evaluation

CARD_NAME: Final = "CARD.md"


def render_card(evaluation: Evaluation, manifest: Manifest) -> str:
    """Render the card.

    Raises:
        TrainingError: The evaluation is of another model than the manifest.
    """
    if evaluation.graph_sha256 != manifest.files[manifest.graph].sha256:
        raise TrainingError(f"The evaluation is of another model than {manifest.title}: run melanoma-evaluate again.")
    return make_environment().get_template("card.md.j2").render(evaluation=evaluation, manifest=manifest)
