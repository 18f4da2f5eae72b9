"""Limits that an operator may change while the service runs: what the ledger holds of them goes before the settings."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.config.settings import Settings

log = structlog.get_logger(__name__)

#: Settings that bots and workers read anew each second. `max_batch_size` can be made smaller than that of a worker's own
#: settings, whose sizes alone it has warmed.
OVERRIDABLE: Final = (
    "max_expected_wait_s",
    "max_batch_size",
    "user_burst",
    "user_per_day",
    "user_per_minute",
    "telegram_per_s",
)


class OverrideError(Exception):
    """Raised for a limit that cannot be changed, or a value that it cannot have. The message is one sentence."""


def parse_override(name: str, value: str) -> Any:
    """The value of the limit `name` that `value` says. Raises `OverrideError`."""
    if name not in OVERRIDABLE:
        raise OverrideError(f"there is no limit {name}; there are {', '.join(OVERRIDABLE)}.")
    field = Settings.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, *field.metadata])
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        message = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise OverrideError(f"{name} cannot be {value}: {message}.") from None


class SettingsOverrides:
    """The settings of this process with the wanted limits over them."""

    def __init__(self, base: Settings) -> None:
        self._base = base
        self._applied: Mapping[str, str] = {}
        self._current = base

    @property
    def current(self) -> Settings:
        """What holds at this moment. Ask again each time."""
        return self._current

    def apply(self, overrides: Mapping[str, str]) -> None:
        """Take over what the ledger holds, by name; one that is not in it is that of the settings again."""
        if overrides == self._applied:
            return
        self._applied = dict(overrides)
        values = {}
        for name, value in overrides.items():
            try:
                values[name] = parse_override(name, value)
            except OverrideError as error:  # written by another release
                log.warning("a limit is passed over", problem=str(error))
        self._current = self._base.model_copy(update=values)
        log.info("limits were changed", **values)
