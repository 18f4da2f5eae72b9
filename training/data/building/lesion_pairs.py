"""Finds lesions that a data set shows twice without saying so, and caches the result."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.duplicates.same_lesion import find_same_lesions
from training.data.records.labelled_image import ImageRecord, Population, Subject
from training.data.sources.found import SIIM2020
from training.data.sources.isic2017 import ISIC2017

#: Sources that name neither the lesion nor the patient of an image.
UNGROUPED_SOURCES: Final = frozenset({ISIC2017, SIIM2020})


def find_lesion_pairs(
    records: Sequence[ImageRecord],
    fingerprints: Sequence[Fingerprint],
    out: Path,
    advance: Callable[[int, int], object],
) -> list[ImagePair]:
    """Find pairs of photographs of one lesion, at least one of them from a source in `UNGROUPED_SOURCES`.

    Args:
        records: All images.
        fingerprints: Their fingerprints, in the same order.
        out: Folder of the cached result, which is named after the digest of the images.
        advance: Called with the number of images that were read and their total.

    Raises:
        TrainingError: If an image cannot be read.
    """
    members = [
        index
        for index, record in enumerate(records)
        if record.subject is Subject.LESION and record.population is Population.DERMATOSCOPE
    ]
    queries = [position for position, index in enumerate(members) if records[index].source in UNGROUPED_SOURCES]
    digest = hashlib.sha256("".join(fingerprints[index].sha256 for index in members).encode()).hexdigest()
    cached = out / f"lesions-{digest[:16]}.json"
    if cached.is_file():
        matches = json.loads(cached.read_text(encoding="utf-8"))
    else:
        done = 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            advance(done, len(members))

        matches = find_same_lesions([records[index].path for index in members], queries, report) if queries else []
        cached.write_text(json.dumps(matches), encoding="utf-8")
    return [
        ImagePair(members[first], members[second], MatchType.LESION, similarity)
        for first, second, similarity in matches
    ]
