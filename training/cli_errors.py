"""Error reporting of the commands."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from training.errors import TrainingError


@contextmanager
def report_errors() -> Iterator[None]:
    """Report errors that a user can fix as one sentence on stderr, with exit code 1."""
    try:
        yield
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
