"""One call of a method of the Bot API: who calls, and typed access to what it was given."""

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
    """What a method gets. Each reader raises `ApiError` 400 for a value that it cannot read."""

    state: SimulatorState
    bot: BotAccount
    parameters: dict[str, Any]

    def get_chat(self) -> Chat:
        """The conversation it names."""
        return self.bot.get_chat(self.parameters.get("chat_id"))

    def get_text(self, name: str) -> str:
        """A text; empty where it is not given."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def get_int(self, name: str, default: int = 0) -> int:
        """A whole number."""
        value = self.parameters.get(name)
        try:
            return default if value in (None, "") else int(str(value))
        except ValueError:
            raise bad_request(f'field "{name}" must be a number') from None

    def get_bool(self, name: str) -> bool:
        """A truth value."""
        return str(self.parameters.get(name)).lower() in ("true", "1")

    def get_json(self, name: str) -> Any:
        """An object or a list: as such in JSON, as text in a form. None where it is not given."""
        value = self.parameters.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def get_upload(self, what: object) -> Upload | None:
        """The file that `what` is, or names as `attach://<part>`; None where it is the id of a file."""
        if isinstance(what, str) and what.startswith("attach://"):
            what = self.parameters.get(what.removeprefix("attach://"))
            if not isinstance(what, Upload):
                raise bad_request("there is no file in the request: the attached part was not found")
        return what if isinstance(what, Upload) else None
