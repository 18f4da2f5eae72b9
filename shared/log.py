"""Logging set-up: text on a terminal, JSON lines otherwise. Both come from the same events."""

import logging
import sys
from collections.abc import Sequence

import structlog

from shared.config.settings import Settings, find_unknown_variables

log = structlog.get_logger(__name__)


def set_up_logging(settings: Settings, *, secrets: Sequence[str] = ()) -> None:
    """Send the log events of all libraries and our own to stderr in one format.

    Args:
        settings: Format and level.
        secrets: Texts that are replaced by `***`. Libraries put URLs into their errors, and Telegram's URLs hold
            the bot's token.
    """
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer() if as_json else _text_renderer()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_RedactedStderr(secrets))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if as_json else []),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # Libraries warn in several lines, which no reader of JSON lines understands. Each becomes an event.
    logging.captureWarnings(True)
    # Celery and kombu would log each message that they receive; Flower and the metrics show those better.
    for name in ("celery.worker", "celery.apps.worker", "celery.app.trace", "celery.pool", "PIL"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It repeats these by itself, and an outage of Redis is logged once, elsewhere.
    logging.getLogger("kombu.transport.redis").setLevel(logging.ERROR)
    for name, similar in find_unknown_variables().items():
        log.warning("no setting has this name, ignoring it", variable=name, similar=similar)


def _text_renderer() -> structlog.dev.ConsoleRenderer:
    """Return a renderer whose tracebacks show no local variables: they hold ids of chats and files.

    It colours lines on a terminal only, and a traceback ends as Python's own do.
    """
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


class _RedactedStderr:
    """Stderr without `secrets`. Every line, tracebacks included, is redacted after it is formatted."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)

    def write(self, line: str) -> None:
        for secret in self._secrets:
            line = line.replace(secret, "***")
        sys.stderr.write(line)

    def flush(self) -> None:
        sys.stderr.flush()
