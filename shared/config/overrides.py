"""Setting overrides: values that an operator writes to the ledger while the service runs. They replace the settings."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import structlog
from pydantic import ConfigDict, TypeAdapter, ValidationError

from shared.config.settings import Settings

log = structlog.get_logger(__name__)

#: Settings that bots and workers read again each second. `max_batch_size` can only be lowered below a worker's own
#: setting, because the worker has warmed no larger batches.
OVERRIDABLE: Final = (
    "max_expected_wait_s",
    "max_batch_size",
    "user_burst",
    "user_per_day",
    "user_per_minute",
    "telegram_per_s",
)


#: The same rule as in `Settings`, which a field does not carry.
_NO_INFINITY: Final = ConfigDict(allow_inf_nan=False)


class OverrideError(Exception):
    """Raised for a setting that cannot be overridden, or for an invalid value. The message is one sentence."""


def parse_override(name: str, value: str) -> Any:
    """Parse `value` as the setting `name`. Raises `OverrideError`."""
    if name not in OVERRIDABLE:
        raise OverrideError(f"there is no limit {name}; there are {', '.join(OVERRIDABLE)}.")
    field = Settings.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, *field.metadata], config=_NO_INFINITY)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        message = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise OverrideError(f"{name} cannot be {value}: {message}.") from None


class SettingsOverrides:
    """The settings of this process with the overrides applied."""

    def __init__(self, base: Settings) -> None:
        self._base = base
        self._applied: Mapping[str, str] = {}
        self._current = base

    @property
    def current(self) -> Settings:
        """The settings in force now. Read them again for each use."""
        return self._current

    def apply(self, overrides: Mapping[str, str]) -> None:
        """Apply the overrides of the ledger, by name. A setting without override gets its configured value again."""
        if overrides == self._applied:
            return
        self._applied = dict(overrides)
        values = {}
        for name, value in overrides.items():
            try:
                values[name] = parse_override(name, value)
            except OverrideError as error:  # written by another release
                log.warning("setting override is invalid, ignoring it", problem=str(error))
        self._current = self._base.model_copy(update=values)
        log.info("setting overrides applied", **values)
