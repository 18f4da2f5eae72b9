"""Options, help and exit codes of `melanoma-submit`."""

from pathlib import Path
from typing import Any, Final

import click

from bulk.stop_signal import StopSignal

_EPILOG: Final = """
\b
Files in DIR:
  results.jsonl  one JSON object for each picture, written as results arrive
  results.csv    the same as a table, with a probability for each label
  report.html    a page with pictures and evidence; needs no network
  report-images/ the pictures of the page, if the run is large
  replaced.jsonl lines that --resume or --retry took out of results.jsonl
  run.json       what --resume needs; keep it private

\b
Exit codes:
  0    every picture has a verdict or a refusal
  1    done, but some pictures failed; the summary says why
  2    wrong usage or a wrong setting
  3    Redis denies access (user, password) or cannot serve the run
  4    DIR holds another run, files of another program, or is in use
  5    the results cannot be written (disk full, permissions)
  130  stopped by Ctrl-C, 143 by SIGTERM; --resume continues the run

\b
Environment:
  REDIS_URL              Redis of the service, also on another machine:
                         redis://user:password@host:6379/0
  MELANOMA_IMAGE_STORE_URL  Redis of the pictures, if that is another one
  .env.example in the project lists the other settings.
"""


@click.command("melanoma-submit", context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Directory for the results.  [default: <name of FOLDER>-results, here]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the run in DIR, or start one if there is none. Files that have changed are classified again.",
)
@click.option(
    "--retry", is_flag=True, help="As --resume, and submit again what failed or could not be read the last time."
)
@click.option(
    "--shard",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    help="Number of pictures that are submitted together.",
)
@click.option(
    "--window",
    type=click.IntRange(1, 100_000),
    default=256,
    show_default=True,
    help="Maximum number of pictures in flight.",
)
@click.option("--recursive", is_flag=True, help="Include the pictures of sub-folders.")
@click.option(
    "--metadata",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="CSV",
    help="Table to join into results.csv, such as the metadata.csv of the ISIC archive: by file name or ISIC id.",
)
@click.option("--note", metavar="TEXT", default="", help="Shown at the top of report.html.")
@click.pass_obj
def command(stop: StopSignal, /, **options: Any) -> int:
    """Classify every photograph in FOLDER with the melanoma service.

    The result of a picture is a band, a calibrated probability and the evidence behind it. The folder may be of any
    size. An interrupted run continues with --resume and neither repeats nor misses a picture. While Redis is
    unavailable the command waits.

    A file counts as a picture if it has the extension of one, or none. Pictures inside .zip, .tar and .tar.gz archives
    are classified, too, and single-frame DICOM files if pydicom is installed. Hidden files, linked folders, and the
    masks and superpixels of the ISIC archive are skipped.
    """
    # Imported late: what a run needs takes a second to import, and `--help` should not.
    from bulk.command import Options, execute

    return execute(Options(**options), stop)
