"""`CARD.md`: the model card (Mitchell et al., FAT* 2019), from the evaluation and the manifest alone."""

from pathlib import Path
from typing import Final

from shared.model.artefact import Manifest
from training.errors import TrainingError
from training.evaluation.report.html_report import make_environment
from training.evaluation.result import Evaluation

FILE_NAME: Final = "CARD.md"


def render_card(found: Evaluation, manifest: Manifest) -> str:
    """The card's text. Raises `TrainingError` where the evaluation is of another model than the manifest."""
    if found.graph_sha256 != manifest.files[manifest.graph].sha256:
        raise TrainingError(f"The evaluation is of another model than {manifest.title}: run melanoma-evaluate again.")
    return make_environment().get_template("card.md.j2").render(found=found, manifest=manifest)


def write_card(directory: Path, found: Evaluation, manifest: Manifest) -> None:
    """Write the card into `directory`, replacing it whole. Raises `OSError` and what `card` raises."""
    temporary = directory / f".{FILE_NAME}.tmp"
    temporary.write_text(render_card(found, manifest), encoding="utf-8")
    temporary.replace(directory / FILE_NAME)
