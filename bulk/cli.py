"""Entry point of `melanoma-submit`."""

import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO, cast

from bulk.output_stream import OutputStream
from bulk.stop_signal import StopSignal


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit."""
    # This comes first, so that Ctrl-C and SIGTERM lead to their exit codes even during the imports below.
    stop = StopSignal()
    try:
        _main(arguments, stop)
    except KeyboardInterrupt:
        sys.exit(stop.exit_code)


def _main(arguments: Sequence[str] | None, stop: StopSignal) -> NoReturn:
    import click

    from bulk.options import command

    sys.stdout, sys.stderr = (cast("TextIO", OutputStream(stream)) for stream in (sys.stdout, sys.stderr))
    try:
        code = command.main(arguments, standalone_mode=False, obj=stop)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = stop.exit_code
    sys.exit(code)
