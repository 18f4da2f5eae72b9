"""Names of the files in the output directory of a folder run."""

from typing import Final

#: Describes the run. Its presence marks a directory as the output of a run.
RUN: Final = "run.json"
RESULTS: Final = "results.jsonl"
TABLE: Final = "results.csv"
REPORT: Final = "report.html"
JOURNAL: Final = "submitted.jsonl"
#: Ids of the finished images. It exists only during a run.
INDEX: Final = "finished.sqlite"
#: Locked by the process that writes to the directory.
LOCK: Final = ".lock"

#: All of them except the lock, which a running process may hold.
REMOVABLE: Final = (RUN, RESULTS, TABLE, REPORT, JOURNAL, INDEX)
