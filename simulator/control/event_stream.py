"""Streams a chat as server-sent events: first the messages that exist, then each event as it happens."""

import asyncio
import json
from typing import Final

from aiohttp import web

from simulator.state.chat import Chat

#: Interval of lines without content: only a failed write shows that the client has disconnected.
_KEEPALIVE_INTERVAL_S: Final = 15


async def stream_events(request: web.Request, chat: Chat) -> web.StreamResponse:
    """Send events until the client disconnects."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    events: asyncio.Queue[str] = asyncio.Queue()
    subscriber = events.put_nowait
    chat.subscribers.add(subscriber)
    try:
        for message_id, message in list(chat.messages.items()):
            if not chat.message_states[message_id].deleted:
                await response.write(_format_event(json.dumps({"kind": "message", "message": message})))
        await response.write(_format_event('{"kind": "ready"}'))
        while True:
            await response.write(await _next_chunk(events))
    except ConnectionError:
        return response
    finally:
        chat.subscribers.discard(subscriber)


async def _next_chunk(events: asyncio.Queue[str]) -> bytes:
    try:
        return _format_event(await asyncio.wait_for(events.get(), _KEEPALIVE_INTERVAL_S))
    except TimeoutError:
        return b": keepalive\n\n"


def _format_event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
