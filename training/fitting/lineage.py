"""Lineage: what the weights of a run have learned from, directly or through initial weights and teachers."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from training.data.records.labelled_image import LabelledImage
from training.errors import TrainingError


class SeenSource(BaseModel):
    """Images of one source that weights have learned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    licence: str
    #: Folds of the images; -1 for images without a fold.
    folds: tuple[int, ...]
    #: Number of images that the run itself has trained on; 0 if only an ancestor has.
    pictures: int


class Origin(BaseModel):
    """Weights that a run started from or distilled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: "ImageNet weights", "initial model" or "teacher".
    role: str
    name: str
    sha256: str


class Lineage(BaseModel):
    """Record of everything that weights have learned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seen: tuple[SeenSource, ...] = ()
    origins: tuple[Origin, ...] = ()
    #: Digest of the names, labels and folds of the images that the run itself has trained on.
    data_sha256: str = ""

    @classmethod
    def from_images(cls, images: Sequence[LabelledImage]) -> Self:
        """Describe the images of a run."""
        by_source: dict[tuple[str, str], list[LabelledImage]] = {}
        for image in images:
            by_source.setdefault((image.source, image.licence), []).append(image)
        seen = tuple(
            SeenSource(source=source, licence=licence, folds=_list_folds(members), pictures=len(members))
            for (source, licence), members in sorted(by_source.items())
        )
        names = sorted(f"{image.source}/{image.path.name} {image.label} {image.fold}" for image in images)
        return cls(seen=seen, data_sha256=hashlib.sha256("\n".join(names).encode()).hexdigest())

    def with_ancestor(self, ancestor: "Lineage", origin: Origin) -> "Lineage":
        """The lineage of weights that have learned from an ancestor too."""
        seen = {(entry.source, entry.licence): entry for entry in self.seen}
        for entry in ancestor.seen:
            own = seen.get((entry.source, entry.licence))
            folds = set(entry.folds) | set(own.folds if own else ())
            seen[entry.source, entry.licence] = SeenSource(
                source=entry.source,
                licence=entry.licence,
                folds=tuple(sorted(folds)),
                pictures=own.pictures if own else 0,
            )
        origins = dict.fromkeys((*self.origins, origin, *ancestor.origins))
        return Lineage(
            seen=tuple(seen[key] for key in sorted(seen)), origins=tuple(origins), data_sha256=self.data_sha256
        )

    def with_origin(self, origin: Origin) -> "Lineage":
        """The lineage of weights that started from weights of no data set of ours, such as ImageNet's."""
        return self.with_ancestor(Lineage(), origin)

    def has_seen_fold(self, fold: int) -> bool:
        """Return whether any image of the fold was learned from."""
        return any(fold in entry.folds for entry in self.seen)

    def has_seen(self, sources: Iterable[str]) -> bool:
        """Return whether any image of one of the sources was learned from."""
        return not {entry.source for entry in self.seen}.isdisjoint(sources)


def check_ancestor(
    lineage: Lineage | None, path: Path, *, fold: int | None, left_out: Sequence[str], what: str
) -> Lineage:
    """Return the lineage of an ancestor, which must not know what a run leaves out.

    Args:
        lineage: Lineage of the ancestor; None if it is not known.
        path: Folder of the ancestor, for the message.
        fold: The fold that the run leaves out.
        left_out: The sources that the run leaves out.
        what: Option that named the ancestor, for the message.

    Raises:
        TrainingError: If the ancestor has seen what is left out, or if nobody knows whether it has.
    """
    if lineage is None:
        if fold is None and not left_out:
            raise TrainingError(
                f"{path} does not say what it was trained on, so nobody could say it of this run: train it again,"
                f" or use another {what}."
            )
        raise TrainingError(f"{path} does not say whether it has seen what this run leaves out: use another {what}.")
    if fold is not None and lineage.has_seen_fold(fold):
        raise TrainingError(f"{path} has been trained on fold {fold}, which this run leaves out: use another {what}.")
    if lineage.has_seen(left_out):
        raise TrainingError(f"{path} has been trained on sources that this run leaves out: use another {what}.")
    return lineage


def hash_weights(path: Path) -> str:
    """Digest of a file of weights. Raises `TrainingError` if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error


def _list_folds(images: Sequence[LabelledImage]) -> tuple[int, ...]:
    return tuple(sorted({-1 if image.fold is None else image.fold for image in images}))
