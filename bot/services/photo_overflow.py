"""Notes photos of users who have no allowance left in one call for all, instead of handling each."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import OutOfMemoryError

from bot.services.messenger import Messenger
from bot.storage.admission import AdmissionControl, AdmissionResult
from bot.storage.messages.outgoing_message import PhotoNotice
from bot.storage.photo_origin import PhotoOrigin
from shared.redis_client.retry import RedisAccessDenied

#: A user is believed to have no allowance for at most so long: an operator may raise the limits. Seconds.
_MAX_CLOSED_S: Final = 5.0

#: Number of users that a process remembers at most.
_MAX_REMEMBERED: Final = 10_000

RawUpdate = dict[str, Any]


def make_notice(user_id: int, result: AdmissionResult) -> PhotoNotice:
    """Return the notice about a burst that begins with a rejected photo."""
    return PhotoNotice(user_id=user_id, reason=result.admission, language=result.language, began=result.burst_began)


class PhotoOverflow:
    """Remembers private chats whose user has no allowance left, and until when.

    Without it, hundreds of photos of one user delay the next users who write: Telegram sends updates in order.
    """

    def __init__(self, admission: AdmissionControl, messenger: Messenger) -> None:
        self._admission = admission
        self._messenger = messenger
        self._closed: dict[int, tuple[float, AdmissionResult]] = {}

    def close(self, origin: PhotoOrigin, result: AdmissionResult) -> None:
        """Remember that the user of `origin` has no allowance, as an admission said."""
        if len(self._closed) >= _MAX_REMEMBERED:
            self._closed.clear()
        self._closed[origin.user_id] = (time.monotonic() + min(_MAX_CLOSED_S, result.wait_s), result)

    async def take(self, updates: Sequence[RawUpdate]) -> list[RawUpdate]:
        """Note those of `updates` that are photos of such users; returns the others, which are to be handled.

        While Redis takes no writes, all are returned: their handlers wait and try again.
        """
        now = time.monotonic()
        photos: dict[tuple[int, int | None], list[RawUpdate]] = defaultdict(list)
        others = []
        for update in updates:
            message = update.get("message", {})
            user_id = _get_user_id(message)
            if "photo" in message and now < self._closed.get(user_id, (0.0, None))[0]:
                photos[user_id, message.get("message_thread_id")].append(update)
            else:
                others.append(update)
        for (user_id, thread_id), taken in photos.items():
            try:
                await self._note(user_id, thread_id, [update["message"]["message_id"] for update in taken])
            except (OutOfMemoryError, RedisAccessDenied):
                others.extend(taken)
        return others

    async def _note(self, user_id: int, thread_id: int | None, message_ids: Sequence[int]) -> None:
        _, result = self._closed[user_id]
        # A user's private chat has the user's id.
        began = await self._admission.note_rejected(user_id, user_id, result.admission, message_ids)
        if began:
            notice = make_notice(user_id, result).model_copy(update={"began": began})
            await self._messenger.enqueue_notice(user_id, thread_id, notice)


def _get_user_id(message: RawUpdate) -> int:
    """Return the user of a private chat, 0 for other messages."""
    chat = message.get("chat", {})
    return int(chat["id"]) if isinstance(chat, dict) and chat.get("type") == "private" else 0
