"""What happens in a chat, as it happens: server-sent events, first what is there and then what comes."""

import asyncio
import json
from typing import Final

from aiohttp import web

from simulator.state.chat import Chat

#: A line now and then, to notice that nobody listens any more. Seconds.
_KEEPALIVE_INTERVAL_S: Final = 15


async def stream_events(request: web.Request, chat: Chat) -> web.StreamResponse:
    """Send events until the listener leaves."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    events: asyncio.Queue[str] = asyncio.Queue()
    watcher = events.put_nowait
    chat.subscribers.add(watcher)
    try:
        for number, message in list(chat.messages.items()):
            if not chat.message_states[number].deleted:
                await response.write(_format_event(json.dumps({"kind": "message", "message": message})))
        await response.write(_format_event('{"kind": "here"}'))
        while True:
            await response.write(await _next_chunk(events))
    except ConnectionError:
        return response
    finally:
        chat.subscribers.discard(watcher)


async def _next_chunk(events: asyncio.Queue[str]) -> bytes:
    try:
        return _format_event(await asyncio.wait_for(events.get(), _KEEPALIVE_INTERVAL_S))
    except TimeoutError:
        return b": here\n\n"


def _format_event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
