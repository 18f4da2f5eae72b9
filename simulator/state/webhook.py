"""Delivers updates to a webhook: chats in parallel, the updates of one chat in order, each until it is accepted."""

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
    """Posts the updates of a queue to `url`, over at most `max_connections` connections at once."""

    def __init__(self, url: str, secret: str, updates: UpdateQueue, *, max_connections: int) -> None:
        self.url = url
        self.max_connections = max_connections
        self.last_error = ""
        #: Unix time in seconds.
        self.last_error_date = 0
        self._secret = secret
        self._updates = updates
        self._slots = asyncio.Semaphore(max_connections)
        #: The undelivered updates of each chat in order; the first one is being posted.
        self._chats: dict[int, deque[Update]] = {}
        self._tasks = {asyncio.create_task(self._run())}

    @property
    def pending_count(self) -> int:
        """Number of updates that are not accepted yet."""
        return sum(len(chat) for chat in self._chats.values())

    async def stop(self) -> None:
        """Stop delivering. Undelivered updates go back to the queue."""
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
                # The delivery tasks use the session, so they must end before it is closed.
                deliveries = self._tasks - {asyncio.current_task()}
                for task in deliveries:
                    task.cancel()
                await asyncio.gather(*deliveries, return_exceptions=True)

    def _enqueue(self, session: ClientSession, update: Update) -> None:
        chat_id = _chat_id(update)
        if chat_id in self._chats:
            self._chats[chat_id].append(update)
            return
        self._chats[chat_id] = deque([update])
        task = asyncio.create_task(self._deliver(session, chat_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, session: ClientSession, chat_id: int) -> None:
        pending = self._chats[chat_id]
        delay_s = _MIN_RETRY_DELAY_S
        while pending:
            async with self._slots:
                accepted = await self._post(session, pending[0])
            if accepted:
                pending.popleft()
                delay_s = _MIN_RETRY_DELAY_S
            else:
                await asyncio.sleep(delay_s)
                delay_s = min(_MAX_RETRY_DELAY_S, 2 * delay_s)
        del self._chats[chat_id]

    async def _post(self, session: ClientSession, update: Update) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        try:
            async with session.post(self.url, json=update, headers=headers) as response:
                if response.status // 100 == 2:
                    with contextlib.suppress(ClientError, TimeoutError):
                        # Reading the whole body lets the connection be reused.
                        await response.read()
                    return True
                self.last_error = f"Wrong response from the webhook: {response.status} {response.reason}"
        except TimeoutError:
            self.last_error = "Read timeout expired"
        except ClientError as error:
            self.last_error = str(error) or type(error).__name__
        self.last_error_date = int(time.time())
        return False


def _chat_id(update: dict[str, Any]) -> int:
    content = next(value for key, value in update.items() if key != "update_id")
    message = content.get("message", content)
    return int(message.get("chat", content.get("from", {})).get("id", 0))
