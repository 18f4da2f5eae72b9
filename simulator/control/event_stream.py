"""What happens in a chat, as it happens: server-sent events, first what is there and then what comes."""

import asyncio
import json
from typing import Final

from aiohttp import web

from simulator.state.chat import Chat

#: A line now and then, to notice that nobody listens any more. Seconds.
_SIGN_OF_LIFE_S: Final = 15


async def stream(request: web.Request, chat: Chat) -> web.StreamResponse:
    """Send events until the listener leaves."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    events: asyncio.Queue[str] = asyncio.Queue()
    watcher = events.put_nowait
    chat.watchers.add(watcher)
    try:
        for number, message in list(chat.messages.items()):
            if not chat.notes[number].deleted:
                await response.write(_event(json.dumps({"kind": "message", "message": message})))
        await response.write(_event('{"kind": "here"}'))
        while True:
            await response.write(await _next(events))
    except ConnectionError:
        return response
    finally:
        chat.watchers.discard(watcher)


async def _next(events: asyncio.Queue[str]) -> bytes:
    try:
        return _event(await asyncio.wait_for(events.get(), _SIGN_OF_LIFE_S))
    except TimeoutError:
        return b": here\n\n"


def _event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
