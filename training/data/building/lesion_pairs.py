"""Looks for lesions that a data set shows twice without saying so, once for the same pictures."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.duplicates.same_lesion import find_same_lesions
from training.data.records.labelled_image import Population
from training.data.records.record import ImageRecord, Subject
from training.data.sources.isic2017 import ISIC2017

#: Sources that name neither the lesion nor the patient of a picture.
UNGROUPED_SOURCES: Final = frozenset({ISIC2017})


def find_lesion_pairs(
    records: Sequence[ImageRecord],
    fingerprints: Sequence[Fingerprint],
    out: Path,
    advance: Callable[[int, int], object],
) -> list[ImagePair]:
    """Pairs of photographs of one lesion, one of them at least of a source in `UNNAMED`.

    What was found is kept in `out` under the digest of the pictures. `advance` is told how many pictures were read,
    and of how many. Raises `TrainingError` where a picture cannot be read.
    """
    looked = [
        index
        for index, one in enumerate(records)
        if one.subject is Subject.LESION and one.population is Population.DERMATOSCOPE
    ]
    asked = [place for place, index in enumerate(looked) if records[index].source in UNGROUPED_SOURCES]
    digest = hashlib.sha256("".join(fingerprints[index].sha256 for index in looked).encode()).hexdigest()
    kept = out / f"lesions-{digest[:16]}.json"
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
    else:
        done = 0

        def one_more(count: int) -> None:
            nonlocal done
            done += count
            advance(done, len(looked))

        found = find_same_lesions([records[index].path for index in looked], asked, one_more) if asked else []
        kept.write_text(json.dumps(found), encoding="utf-8")
    return [ImagePair(looked[first], looked[second], MatchType.LESION, share) for first, second, share in found]
