"""A crowd that sends photographs, for load runs: made here, so that it costs the machine next to nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.control import user_content
from simulator.control.user_actions import UserActions
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat
from simulator.state.state import SimulatorState


@dataclass(slots=True)
class LoadRun:
    """What one crowd sent: conversation and number of each photograph, in order."""

    expected: int
    sent_messages: list[tuple[Chat, int]] = field(default_factory=list)


class LoadGenerator:
    """All crowds, by number from 1 on."""

    def __init__(self, state: SimulatorState, user_actions: UserActions) -> None:
        self._state = state
        self._user_actions = user_actions
        self._runs: dict[int, LoadRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, bot: BotAccount, user_ids: Sequence[int], file_ids: Sequence[str], photos_per_user: int, spread_s: float
    ) -> int:
        """Let each of `people` send a burst of `each` of `pictures` to `bot`, evenly within `spread_s` seconds.

        Returns the number of the crowd at once. Raises `ApiError` for a person or picture that is not there.
        """
        for person in user_ids:
            self._state.get_chat(bot, person)
        for image in file_ids:
            user_content.photo_content(self._state.files, image)
        crowd = LoadRun(len(user_ids) * photos_per_user)
        number = len(self._runs) + 1
        self._runs[number] = crowd
        task = asyncio.create_task(self._send(crowd, bot, user_ids, file_ids, photos_per_user, spread_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number

    def get_progress(self, run_id: int) -> dict[str, int]:
        """How many photographs of a crowd there will be, were sent, and have a reply."""
        crowd = self._runs[run_id]
        answered = sum(bool(chat.message_states[message].replies) for chat, message in crowd.sent_messages)
        return {"expected": crowd.expected, "sent": len(crowd.sent_messages), "answered": answered}

    def get_results(self, run_id: int | None = None) -> list[dict[str, Any]]:
        """What became of each photograph of a crowd, or of all. Times in seconds of the monotonic clock."""
        crowds = self._runs.values() if run_id is None else [self._runs[run_id]]
        return [_photo_result(chat, message) for crowd in crowds for chat, message in crowd.sent_messages]

    async def _send(
        self,
        run: LoadRun,
        bot: BotAccount,
        user_ids: Sequence[int],
        file_ids: Sequence[str],
        photos_per_user: int,
        spread_s: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for turn, person in enumerate(user_ids):
            await asyncio.sleep(began + spread_s * turn / len(user_ids) - loop.time())
            for _ in range(photos_per_user):
                image = file_ids[len(run.sent_messages) % len(file_ids)]
                content = user_content.photo_content(self._state.files, image)
                message = self._user_actions.send_message(bot, person, content, chat=person)
                run.sent_messages.append((bot.chats[person], message["message_id"]))


def _photo_result(chat: Chat, message_id: int) -> dict[str, Any]:
    note = chat.message_states[message_id]
    return {
        "chat": chat.id,
        "message_id": message_id,
        "sent_at": note.sent_at,
        "replies": [_reply_result(chat, reply) for reply in note.replies],
    }


def _reply_result(chat: Chat, message_id: int) -> dict[str, Any]:
    message, note = chat.messages[message_id], chat.message_states[message_id]
    return {
        "message_id": message_id,
        "at": note.sent_at,
        "kind": next((kind for kind in ("photo", "document") if kind in message), "text"),
        "text": message.get("text") or message.get("caption") or "",
        "buttons": len(message.get("reply_markup", {}).get("inline_keyboard", [])),
        "last_edited_at": note.edited_at,
        "edited": note.edits,
        "deleted": note.deleted,
    }
