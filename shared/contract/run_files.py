"""Names of the files that a folder run writes into its output directory."""

from typing import Final

#: Describes the run; its presence marks a directory as the output of one.
RUN: Final = "run.json"
RESULTS: Final = "results.jsonl"
TABLE: Final = "results.csv"
REPORT: Final = "report.html"
JOURNAL: Final = "submitted.jsonl"
#: Ids of the finished pictures. It exists only while a run works.
INDEX: Final = "finished.sqlite"
#: Held by the process that writes to the directory.
LOCK: Final = ".lock"

#: All of them but the lock, which a running process may hold.
REMOVABLE: Final = (RUN, RESULTS, TABLE, REPORT, JOURNAL, INDEX)
