"""`melanoma-submit`: a folder of photographs in, careful answers out."""

import sys
from pathlib import Path
from typing import Final

import click

_EPILOG: Final = """
\b
Files in DIR:
  results.jsonl  one JSON object for each picture, written as answers come
  results.csv    the same as a table, with a probability for each label
  report.html    a page with pictures and evidence; needs no network
  run.json       what --resume needs; keep it private

\b
Exit codes:
  0    every picture has a verdict or a refusal
  1    done, but some pictures failed; the summary says why
  2    wrong usage or a wrong setting
  3    Redis refuses us (user, password) or cannot serve us
  4    DIR holds another run, is in use, or is not ours to write in
  5    the results cannot be written (disk full, permissions)
  130  stopped by Ctrl-C, 143 by SIGTERM; --resume goes on

\b
Environment:
  REDIS_URL              the service's Redis, also on another machine:
                         redis://user:password@host:6379/0
  MELANOMA_IMAGE_STORE_URL  Redis of the pictures where that is another one
  .env.example in the project lists the other settings.
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Directory for the results.  [default: <name of FOLDER>-results, here]",
)
@click.option("--resume", is_flag=True, help="Go on with the run in DIR; starts one where there is none.")
@click.option(
    "--shard", type=click.IntRange(1, 1024), default=16, show_default=True, help="Pictures in one message to a worker."
)
@click.option(
    "--window",
    type=click.IntRange(1, 100_000),
    default=256,
    show_default=True,
    help="Most pictures on their way at once.",
)
@click.option("--recursive", is_flag=True, help="Judge the pictures of sub-folders, too.")
@click.option("--note", metavar="TEXT", default="", help="Shown at the top of report.html.")
def main(folder: Path, out: Path | None, resume: bool, shard: int, window: int, recursive: bool, note: str) -> None:
    """Have every photograph in FOLDER judged by the melanoma service.

    Pictures go to the service's queue and come back as a band, a calibrated probability and the evidence behind it.
    The folder may be of any size. A run that was interrupted goes on with --resume, and neither repeats nor misses
    a picture. While Redis is away the command waits for it.

    Files count as pictures if their extension is one of pictures, or if they have none; hidden files and linked
    folders are passed over.
    """
    # Only now: what a run needs takes a second to import, and `--help` should not.
    from bulk.command import Options, execute

    sys.exit(execute(Options(folder, out, resume, shard, window, recursive, note)))
