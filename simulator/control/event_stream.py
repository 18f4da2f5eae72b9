"""Streams a chat as server-sent events: first the messages that exist, then each event as it happens."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from simulator.state.chat import Chat

#: Interval of lines without content: only a failed write shows that the client has disconnected.
_KEEPALIVE_INTERVAL_S: Final = 15

#: Interval of the checks whether the chat is still the one that the client should see.
_CHECK_INTERVAL_S: Final = 1

#: Tasks of the streams that are being sent.
STREAMS: Final = web.AppKey("streams", set[asyncio.Task[None]])


async def stream_events(request: web.Request, chat: Chat, is_current: Callable[[], bool]) -> web.StreamResponse:
    """Send events until the client disconnects, or until `chat` is not the current one any more."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    events: asyncio.Queue[str] = asyncio.Queue()
    subscriber = events.put_nowait
    chat.subscribers.add(subscriber)
    task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment] # a handler runs in a task
    request.app[STREAMS].add(task)
    try:
        for message_id, message in list(chat.messages.items()):
            if not chat.message_states[message_id].deleted:
                await response.write(_format_event(json.dumps({"kind": "message", "message": message})))
        await response.write(_format_event('{"kind": "ready"}'))
        written_at = time.monotonic()
        while is_current():
            chunk = await _next_chunk(events)
            if not chunk and time.monotonic() - written_at < _KEEPALIVE_INTERVAL_S:
                continue
            await response.write(chunk or b": keepalive\n\n")
            written_at = time.monotonic()
    except ConnectionError:
        pass  # the client has disconnected
    finally:
        request.app[STREAMS].discard(task)
        chat.subscribers.discard(subscriber)
    return response


async def _next_chunk(events: asyncio.Queue[str]) -> bytes:
    """Return the next event, or nothing if there is none for a while."""
    try:
        return _format_event(await asyncio.wait_for(events.get(), _CHECK_INTERVAL_S))
    except TimeoutError:
        return b""


def _format_event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()
