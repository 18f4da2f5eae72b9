"""Checkpoints: the state of a run after an epoch, from which it can resume."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from training.errors import TrainingError
from training.fitting.lineage import Lineage
from training.fitting.recipe import Recipe
from training.model.weights import Weights

CHECKPOINT_NAME: Final = "checkpoint.npz"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after `epochs` complete epochs."""

    recipe: Recipe
    epochs: int
    weights: Weights
    #: Moving average of the weights.
    average: Weights
    #: Variables of the optimizer and of the layers' random generators, by name.
    state: Weights
    #: What the weights have learned from; None if it is not known.
    lineage: Lineage | None = None


_PARTS: Final = ("weights", "average", "state")


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint into `directory` and replace the previous one in one step.

    A run that has done all its epochs needs no more than the averaged weights.
    """
    is_finished = checkpoint.epochs >= checkpoint.recipe.epochs
    parts = ("average",) if is_finished else _PARTS
    arrays = {f"{part}:{name}": array for part in parts for name, array in getattr(checkpoint, part).items()}
    if checkpoint.lineage is not None:
        arrays["lineage"] = np.array(checkpoint.lineage.model_dump_json())
    temporary = directory / "checkpoint.tmp.npz"
    np.savez(
        temporary,
        allow_pickle=False,
        recipe=np.array(checkpoint.recipe.model_dump_json()),
        epochs=np.array(checkpoint.epochs),
        **arrays,
    )
    temporary.replace(directory / CHECKPOINT_NAME)


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """Read the checkpoint in `directory`; None if there is none. Raises `TrainingError` if it is damaged."""
    path = directory / CHECKPOINT_NAME
    if not path.exists():
        return None
    parts: dict[str, Weights] = {part: {} for part in _PARTS}
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            recipe = Recipe.model_validate_json(str(archive["recipe"]))
            epochs = int(archive["epochs"])
            known = Lineage.model_validate_json(str(archive["lineage"])) if "lineage" in archive.files else None
            for key in archive.files:
                part, _, name = key.partition(":")
                if name:
                    parts[part][name] = archive[key]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(f"{path} is damaged or of another version: start again with --fresh.") from error
    if epochs >= recipe.epochs:
        parts["weights"] = parts["average"]
    return Checkpoint(recipe=recipe, epochs=epochs, lineage=known, **parts)
