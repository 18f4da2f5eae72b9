"""Brings updates to a webhook, several at once but one after the other for each chat, until they are taken."""

import asyncio
from collections import defaultdict
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from simulator.updates import Update, Updates

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_TIMEOUT: Final = ClientTimeout(total=60)


class Webhook:
    """One webhook of one bot."""

    def __init__(self, url: str, secret: str, updates: Updates, *, connections: int) -> None:
        self.url = url
        self.failures = 0
        self.last_error = ""
        self.secret = secret
        self._updates = updates
        self._slots = asyncio.Semaphore(connections)
        self._chats: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._bringing: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Bring nothing more. What was on its way goes back to the queue."""
        tasks = [self._task, *self._bringing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        async with ClientSession(timeout=_TIMEOUT) as session:
            while True:
                await self._slots.acquire()
                update = await self._updates.take()
                task = asyncio.create_task(self._bring(session, update))
                self._bringing.add(task)
                task.add_done_callback(self._bringing.discard)
                task.add_done_callback(lambda _: self._slots.release())

    async def _bring(self, session: ClientSession, update: Update) -> None:
        try:
            async with self._chats[_chat(update)]:
                pause = _FIRST_PAUSE_S
                while not await self._taken(session, update):
                    self.failures += 1
                    await asyncio.sleep(pause)
                    pause = min(_LONGEST_PAUSE_S, 2 * pause)
        except asyncio.CancelledError:
            self._updates.repeat(update)
            raise

    async def _taken(self, session: ClientSession, update: Update) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        try:
            async with session.post(self.url, json=update, headers=headers) as reply:
                if reply.status // 100 == 2:
                    return True
                self.last_error = f"Wrong response from the webhook: {reply.status}"
        except (ClientError, TimeoutError) as error:
            self.last_error = type(error).__name__
        return False


def _chat(update: dict[str, Any]) -> int:
    content = next(value for key, value in update.items() if key != "update_id")
    about = content.get("message", content)
    return int(about.get("chat", content.get("from", {})).get("id", 0))
