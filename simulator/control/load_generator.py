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
    sent: list[tuple[Chat, int]] = field(default_factory=list)


class LoadGenerator:
    """All crowds, by number from 1 on."""

    def __init__(self, world: SimulatorState, deeds: UserActions) -> None:
        self._world = world
        self._deeds = deeds
        self._crowds: dict[int, LoadRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, bot: BotAccount, people: Sequence[int], images: Sequence[str], each: int, spread_s: float) -> int:
        """Let each of `people` send a burst of `each` of `pictures` to `bot`, evenly within `spread_s` seconds.

        Returns the number of the crowd at once. Raises `ApiError` for a person or picture that is not there.
        """
        for person in people:
            self._world.conversation(bot, person)
        for image in images:
            user_content.photo(self._world.files, image)
        crowd = LoadRun(len(people) * each)
        number = len(self._crowds) + 1
        self._crowds[number] = crowd
        task = asyncio.create_task(self._send(crowd, bot, people, images, each, spread_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number

    def progress(self, number: int) -> dict[str, int]:
        """How many photographs of a crowd there will be, were sent, and have a reply."""
        crowd = self._crowds[number]
        answered = sum(bool(chat.notes[message].replies) for chat, message in crowd.sent)
        return {"expected": crowd.expected, "sent": len(crowd.sent), "answered": answered}

    def outcome(self, number: int | None = None) -> list[dict[str, Any]]:
        """What became of each photograph of a crowd, or of all. Times in seconds of the monotonic clock."""
        crowds = self._crowds.values() if number is None else [self._crowds[number]]
        return [_outcome(chat, message) for crowd in crowds for chat, message in crowd.sent]

    async def _send(
        self,
        crowd: LoadRun,
        bot: BotAccount,
        people: Sequence[int],
        images: Sequence[str],
        each: int,
        spread_s: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for turn, person in enumerate(people):
            await asyncio.sleep(began + spread_s * turn / len(people) - loop.time())
            for _ in range(each):
                image = images[len(crowd.sent) % len(images)]
                content = user_content.photo(self._world.files, image)
                message = self._deeds.send(bot, person, content, chat=person)
                crowd.sent.append((bot.chats[person], message["message_id"]))


def _outcome(chat: Chat, number: int) -> dict[str, Any]:
    note = chat.notes[number]
    return {
        "chat": chat.id,
        "message_id": number,
        "sent_at": note.sent_at,
        "replies": [_reply(chat, reply) for reply in note.replies],
    }


def _reply(chat: Chat, number: int) -> dict[str, Any]:
    message, note = chat.messages[number], chat.notes[number]
    return {
        "message_id": number,
        "at": note.sent_at,
        "kind": next((kind for kind in ("photo", "document") if kind in message), "text"),
        "text": message.get("text") or message.get("caption") or "",
        "buttons": len(message.get("reply_markup", {}).get("inline_keyboard", [])),
        "last_edited_at": note.edited_at,
        "edited": note.edits,
        "deleted": note.deleted,
    }
