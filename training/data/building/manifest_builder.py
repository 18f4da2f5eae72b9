"""Builds the manifest: reads all data sets, drops duplicates, checks the split and writes what is kept."""

from collections.abc import Callable
from pathlib import Path

from training.data.building.lesion_pairs import find_lesion_pairs
from training.data.building.report import BuildReport
from training.data.duplicates.deduplication import deduplicate
from training.data.duplicates.fingerprint_cache import load_fingerprints
from training.data.duplicates.pairs import find_pairs
from training.data.manifest import write_manifest
from training.data.records.groups import check_group_leakage
from training.data.sources.folders import read_folders

#: Called with the name of the step, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], object]


def build_manifest(data: Path, out: Path, progress: Progress) -> BuildReport:
    """Write the manifest of the data sets in `data` into the folder `out`. Images stay where they are.

    `out` also gets the caches. `progress` is called during each step.

    Returns:
        What was kept and dropped.

    Raises:
        TrainingError: If an image or a table cannot be used, or if a group would be on two sides of a split.
    """
    records = read_folders(data)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("reading pictures", done, len(records))

    fingerprints = load_fingerprints([record.path for record in records], out, advance)
    progress("comparing pictures", 0, 1)
    pairs = find_pairs(fingerprints)
    copies = {(pair.first, pair.second) for pair in pairs}
    lesions = find_lesion_pairs(
        records, fingerprints, out, lambda done, of: progress("looking for the same lesions", done, of)
    )
    pairs += [pair for pair in lesions if (pair.first, pair.second) not in copies]
    result = deduplicate(records, [fingerprint.width * fingerprint.height for fingerprint in fingerprints], pairs)
    progress("comparing pictures", 1, 1)
    check_group_leakage(result.kept.values())
    write_manifest(out, ((record, fingerprints[index]) for index, record in result.kept.items()))
    return BuildReport.from_result(data, out, result)
