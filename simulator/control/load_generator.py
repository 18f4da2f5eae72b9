"""Sends photos of many users for load runs. It runs in the simulator, where a photo costs no HTTP request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.control.user_actions import Placement, UserActions
from simulator.control.user_content import photo_content
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat
from simulator.state.state import SimulatorState


@dataclass(slots=True)
class LoadRun:
    """The photos of one load run: how many are expected, and the chat and message id of each that was sent."""

    expected: int
    sent_messages: list[tuple[Chat, int]] = field(default_factory=list)


class LoadGenerator:
    """All load runs. Their ids count from 1."""

    def __init__(self, state: SimulatorState, user_actions: UserActions) -> None:
        self._state = state
        self._user_actions = user_actions
        self._runs: dict[int, LoadRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        bot: BotAccount,
        user_ids: Sequence[int],
        file_ids: Sequence[str],
        *,
        photos_per_user: int,
        spread_s: float,
    ) -> int:
        """Let each user send a burst of photos to `bot`; the bursts are spread evenly over `spread_s` seconds.

        Returns:
            The id of the run, at once.

        Raises:
            ApiError: A user or file does not exist.
        """
        for user_id in user_ids:
            self._state.get_chat(bot, user_id)
        for file_id in file_ids:
            photo_content(self._state.files, file_id)
        run = LoadRun(len(user_ids) * photos_per_user)
        run_id = len(self._runs) + 1
        self._runs[run_id] = run
        task = asyncio.create_task(self._send(run, bot, user_ids, file_ids, photos_per_user, spread_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run_id

    def get_progress(self, run_id: int) -> dict[str, int]:
        """Photos of a run: expected in all, sent, and answered by at least one reply."""
        run = self._runs[run_id]
        answered = sum(bool(chat.message_states[message_id].replies) for chat, message_id in run.sent_messages)
        return {"expected": run.expected, "sent": len(run.sent_messages), "answered": answered}

    def get_results(self, run_id: int | None = None) -> list[dict[str, Any]]:
        """One result for each photo of a run, or of all runs. Times are seconds of the monotonic clock."""
        runs = self._runs.values() if run_id is None else [self._runs[run_id]]
        return [_photo_result(chat, message_id) for run in runs for chat, message_id in run.sent_messages]

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
        started_at = loop.time()
        for index, user_id in enumerate(user_ids):
            await asyncio.sleep(started_at + spread_s * index / len(user_ids) - loop.time())
            for _ in range(photos_per_user):
                file_id = file_ids[len(run.sent_messages) % len(file_ids)]
                content = photo_content(self._state.files, file_id)
                message = self._user_actions.send_message(bot, user_id, content, Placement(user_id))
                run.sent_messages.append((bot.chats[user_id], message["message_id"]))


def _photo_result(chat: Chat, message_id: int) -> dict[str, Any]:
    state = chat.message_states[message_id]
    return {
        "chat": chat.id,
        "message_id": message_id,
        "sent_at": state.sent_at,
        "replies": [_reply_result(chat, reply) for reply in state.replies],
    }


def _reply_result(chat: Chat, message_id: int) -> dict[str, Any]:
    message, state = chat.messages[message_id], chat.message_states[message_id]
    return {
        "message_id": message_id,
        "at": state.sent_at,
        "kind": next((kind for kind in ("photo", "document") if kind in message), "text"),
        "text": message.get("text") or message.get("caption") or "",
        "buttons": len(message.get("reply_markup", {}).get("inline_keyboard", [])),
        "last_edited_at": state.edited_at,
        "edited": state.edits,
        "deleted": state.deleted,
    }
