"""Reads secrets from files: `NAME_FILE` names a file that holds the value of the secret setting `NAME`."""

import os
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource


class SecretFileError(Exception):
    """Raised when a secret's file cannot be read. The message names variable and file, never the content."""


class SecretFiles(PydanticBaseSettingsSource):
    """A pydantic source for secret settings, as container runtimes provide them."""

    def __call__(self) -> dict[str, Any]:
        """Return the values by field name."""
        values = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, name)
            if value is not None:
                values[name] = value
        return values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        """Return the text of the field's file, None if no file is named. Raises `SecretFileError`."""
        if "SecretStr" in str(field.annotation):
            for variable in self._variables(field, field_name):
                if path := os.environ.get(f"{variable}_FILE"):
                    return _read(f"{variable}_FILE", Path(path)), field_name, False
        return None, field_name, False

    def _variables(self, field: FieldInfo, field_name: str) -> list[str]:
        if isinstance(field.validation_alias, AliasChoices):
            return [str(choice) for choice in field.validation_alias.choices]
        return [f"{self.config.get('env_prefix', '')}{field_name}".upper()]


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretFileError(f"{variable}: {path} cannot be read ({reason}).") from error
