"""Names of the files in the output directory of a folder run."""

from typing import Final

#: Describes the run. Its presence marks a directory as the output of a run.
MANIFEST: Final = "run.json"
RESULTS: Final = "results.jsonl"
CSV_TABLE: Final = "results.csv"
REPORT: Final = "report.html"
JOURNAL: Final = "submitted.jsonl"
#: Rows that were set aside: their picture has changed, failed or was damaged, and was classified again.
REPLACED: Final = "replaced.jsonl"
#: Directory of the pictures in the report of a large run.
REPORT_IMAGES: Final = "report-images"
#: Ids of the finished images. It exists only while the command runs.
FINISHED_INDEX: Final = "finished.sqlite"
#: Locked by the process that writes to the directory.
LOCK: Final = ".lock"

#: All of these files except the lock, which a running process may hold.
REMOVABLE: Final = (MANIFEST, RESULTS, CSV_TABLE, REPORT, JOURNAL, REPLACED, FINISHED_INDEX)

#: Every entry of an output directory that a run writes. Temporary files are gone when it ends.
ALL: Final = frozenset({*REMOVABLE, LOCK, REPORT_IMAGES})
