"""A call of a method of the Bot API, with typed access to its parameters."""

import json
from dataclasses import dataclass
from typing import Any

from simulator.errors import bad_request
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat
from simulator.state.state import SimulatorState


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart request."""

    data: bytes
    name: str
    mime: str


@dataclass(frozen=True, slots=True)
class MethodCall:
    """The argument of a method. Each getter raises `ApiError` if the parameter is not valid."""

    state: SimulatorState
    bot: BotAccount
    parameters: dict[str, Any]

    def get_chat(self) -> Chat:
        """The chat of `chat_id`."""
        return self.bot.get_chat(self.parameters.get("chat_id"))

    def get_text(self, name: str) -> str:
        """A text parameter, empty if it is missing."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def get_int(self, name: str, default: int = 0) -> int:
        """An integer parameter."""
        value = self.parameters.get(name)
        try:
            return default if value in (None, "") else int(str(value))
        except ValueError:
            raise bad_request(f'field "{name}" must be a number') from None

    def get_bool(self, name: str) -> bool:
        """A boolean parameter."""
        return str(self.parameters.get(name)).lower() in ("true", "1")

    def get_json(self, name: str) -> Any:
        """An object or a list, None if it is missing. In a form it is JSON text, in a JSON request a value."""
        value = self.parameters.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def get_upload(self, value: object) -> Upload | None:
        """The file that `value` is, or refers to as `attach://<part>`; None if `value` is a file id."""
        if isinstance(value, str) and value.startswith("attach://"):
            value = self.parameters.get(value.removeprefix("attach://"))
            if not isinstance(value, Upload):
                raise bad_request("there is no file in the request: the attached part was not found")
        return value if isinstance(value, Upload) else None
