"""The stand-in's own API under `/sim/`: for scripts that play people, and for the chat page."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator.deeds import Deeds
from simulator.errors import ApiError
from simulator.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_control(app: web.Application, world: World) -> None:
    """Answer scripts and the page."""
    control = _Control(world)
    routes: list[tuple[str, str, Handler]] = [
        ("POST", "/sim/people", control.person),
        ("POST", "/sim/groups", control.group),
        ("POST", "/sim/files", control.upload),
        ("GET", "/sim/files/{id}", control.file),
        ("POST", "/sim/people/{id}/messages", control.send),
        ("POST", "/sim/people/{id}/presses", control.press),
        ("POST", "/sim/people/{id}/block", control.block),
        ("GET", "/sim/chats/{id}", control.chat),
        ("GET", "/sim/chats/{id}/live", control.live),
        ("POST", "/sim/faults", control.faults),
        ("POST", "/sim/limits", control.limits),
        ("GET", "/sim/calls", control.calls),
        ("POST", "/sim/repeat", control.repeat),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _speaking(handler))


class _Control:
    """A handler for each thing that can be asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deeds = Deeds(world)

    async def person(self, request: web.Request) -> web.Response:
        asked = await request.json()
        more = {name: asked.get(name) for name in ("last_name", "username")}
        return _reply(self._world.person(asked.get("first_name") or "Anna", asked.get("language_code") or "en", **more))

    async def group(self, request: web.Request) -> web.Response:
        return _reply(self._world.group((await request.json())["title"]))

    async def upload(self, request: web.Request) -> web.Response:
        query = request.query
        data = await request.read()
        return _reply(self._world.files.add(data, query.get("name", "file"), query.get("mime", "")).id)

    async def send(self, request: web.Request) -> web.Response:
        asked = await request.json()
        kind = asked["kind"]
        if kind == "text":
            content = self._deeds.text(asked["text"])
        elif kind == "photo":
            content = self._deeds.photo(asked["file"], asked.get("caption"), asked.get("media_group_id"))
        elif kind == "document":
            content = self._deeds.document(asked["file"], asked.get("caption"))
        else:
            content = self._deeds.odd(kind, asked.get("file"))
        if asked.get("forwarded"):
            content["forward_origin"] = {"type": "hidden_user", "date": 0, "sender_user_name": "someone"}
        sent = self._deeds.send(_person(request), content, chat=asked.get("chat"), reply_to=asked.get("reply_to"))
        return _reply(sent["message_id"])

    async def press(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._deeds.press(_person(request), asked["message_id"], asked["data"], chat=asked.get("chat"))
        return _reply(True)

    async def block(self, request: web.Request) -> web.Response:
        self._deeds.block(_person(request), blocked=(await request.json())["blocked"])
        return _reply(True)

    async def chat(self, request: web.Request) -> web.Response:
        _, found = self._world.conversation(_person(request))
        messages = [message | {"sim": found.notes[number]} for number, message in found.messages.items()]
        return _reply({"messages": messages, "actions": found.actions, "toasts": found.toasts})

    async def live(self, request: web.Request) -> web.StreamResponse:
        _, found = self._world.conversation(_person(request))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        found.watchers.add(events.put_nowait)
        try:
            for message in list(found.messages.values()):
                await _event(response, {"kind": "message", "message": message})
            while True:
                await _event(response, await events.get())
        except ConnectionResetError:
            return response
        finally:
            found.watchers.discard(events.put_nowait)

    async def file(self, request: web.Request) -> web.Response:
        found = self._world.files.get(request.match_info["id"])
        # Never as something that a browser would run.
        mime = found.mime if found.mime.startswith("image/") and "svg" not in found.mime else "application/octet-stream"
        return web.Response(body=found.data, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})

    async def faults(self, request: web.Request) -> web.Response:
        try:
            self._world.faults.set(**await request.json())
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return _reply(True)

    async def limits(self, request: web.Request) -> web.Response:
        self._world.limits_on = bool((await request.json())["on"])
        for bot in self._world.bots.values():
            bot.limits.on = self._world.limits_on
        return _reply(True)

    async def calls(self, request: web.Request) -> web.Response:
        return _reply(self._world.calls.since(int(request.query.get("since", 0))))

    async def repeat(self, request: web.Request) -> web.Response:
        number = (await request.json())["update_id"]
        if self._world.latest is None or number not in self._world.latest.updates.kept:
            raise ApiError(404, f"there is no update {number}")
        self._world.latest.updates.repeat(self._world.latest.updates.kept[number])
        return _reply(True)


def _person(request: web.Request) -> int:
    return int(request.match_info["id"])


def _speaking(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return web.json_response({"error": error.description}, status=error.code)
        except (KeyError, ValueError) as error:
            return web.json_response({"error": f"the request is not understood: {error}"}, status=400)

    return handle


def _reply(value: Any) -> web.Response:
    return web.json_response({"result": value})


async def _event(response: web.StreamResponse, event: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())
