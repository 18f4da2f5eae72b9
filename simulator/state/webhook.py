"""Brings updates to a webhook, several at once but those of a chat one after the other, until they are taken."""

import asyncio
import contextlib
import time
from collections import deque
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from simulator.state.update_queue import Update, UpdateQueue

_MIN_RETRY_DELAY_S: Final = 1.0
_MAX_RETRY_DELAY_S: Final = 30.0
_TIMEOUT: Final = ClientTimeout(total=60)


class WebhookSender:
    """One webhook of one bot: brings what `updates` holds to `url`, over at most `connections` at once."""

    def __init__(self, url: str, secret: str, updates: UpdateQueue, *, max_connections: int) -> None:
        self.url = url
        self.max_connections = max_connections
        self.last_error = ""
        #: In Unix time.
        self.last_error_date = 0
        self._secret = secret
        self._updates = updates
        self._slots = asyncio.Semaphore(max_connections)
        #: For each chat, what is to be brought to it in order; the first is on its way.
        self._chats: dict[int, deque[Update]] = {}
        self._tasks = {asyncio.create_task(self._run())}

    @property
    def pending_count(self) -> int:
        """How many updates were not taken yet."""
        return sum(len(chat) for chat in self._chats.values())

    async def stop(self) -> None:
        """Bring nothing more. What was on its way goes back to the queue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._updates.requeue(update for chat in self._chats.values() for update in chat)
        self._chats.clear()

    async def _run(self) -> None:
        async with ClientSession(timeout=_TIMEOUT) as session:
            try:
                while True:
                    self._enqueue(session, await self._updates.pop())
            finally:
                # The session is theirs too.
                others = self._tasks - {asyncio.current_task()}
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)

    def _enqueue(self, session: ClientSession, update: Update) -> None:
        chat = _chat_id(update)
        if chat in self._chats:
            self._chats[chat].append(update)
            return
        self._chats[chat] = deque([update])
        task = asyncio.create_task(self._deliver(session, chat))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, session: ClientSession, chat_id: int) -> None:
        waiting = self._chats[chat_id]
        pause = _MIN_RETRY_DELAY_S
        while waiting:
            async with self._slots:
                taken = await self._post(session, waiting[0])
            if taken:
                waiting.popleft()
                pause = _MIN_RETRY_DELAY_S
            else:
                await asyncio.sleep(pause)
                pause = min(_MAX_RETRY_DELAY_S, 2 * pause)
        del self._chats[chat_id]

    async def _post(self, session: ClientSession, update: Update) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        try:
            async with session.post(self.url, json=update, headers=headers) as reply:
                if reply.status // 100 == 2:
                    with contextlib.suppress(ClientError, TimeoutError):
                        # Read to its end, so that the connection can be used again.
                        await reply.read()
                    return True
                self.last_error = f"Wrong response from the webhook: {reply.status} {reply.reason}"
        except TimeoutError:
            self.last_error = "Read timeout expired"
        except ClientError as error:
            self.last_error = str(error) or type(error).__name__
        self.last_error_date = int(time.time())
        return False


def _chat_id(update: dict[str, Any]) -> int:
    content = next(value for key, value in update.items() if key != "update_id")
    about = content.get("message", content)
    return int(about.get("chat", content.get("from", {})).get("id", 0))
