"""The stand-in's own API under `/sim/`: for scripts that play people, and for the chat page."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator.control import event_stream, user_content
from simulator.control.load_generator import LoadGenerator
from simulator.control.user_actions import UserActions
from simulator.errors import ApiError
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat
from simulator.state.state import SimulatorState

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_control(app: web.Application, world: SimulatorState) -> None:
    """Answer scripts and the page."""
    control = _Control(world)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/sim/bots", control.bots),
        ("GET", "/sim/people", control.people),
        ("POST", "/sim/people", control.person),
        ("POST", "/sim/groups", control.group),
        ("POST", "/sim/files", control.upload),
        ("GET", "/sim/files/{id}", control.file),
        ("POST", "/sim/people/{id}/messages", control.send),
        ("POST", "/sim/people/{id}/presses", control.press),
        ("POST", "/sim/people/{id}/block", control.block),
        ("GET", "/sim/chats/{id}", control.chat),
        ("GET", "/sim/chats/{id}/live", control.live),
        ("POST", "/sim/crowds", control.crowd),
        ("GET", "/sim/crowds/progress", control.progress),
        ("GET", "/sim/crowds/outcome", control.outcome),
        ("POST", "/sim/faults", control.faults),
        ("POST", "/sim/limits", control.limits),
        ("GET", "/sim/calls", control.calls),
        ("POST", "/sim/repeat", control.repeat),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _speaking(handler))


class _Control:
    """A handler for each thing that can be asked for."""

    def __init__(self, world: SimulatorState) -> None:
        self._world = world
        self._deeds = UserActions(world)
        self._crowds = LoadGenerator(world, self._deeds)

    async def bots(self, _: web.Request) -> web.Response:
        return _reply([bot.about for bot in self._world.bots.values()])

    async def people(self, request: web.Request) -> web.Response:
        latest = int(request.query.get("latest", 100))
        return _reply(list(self._world.people.values())[-latest:])

    async def person(self, request: web.Request) -> web.Response:
        asked = await request.json()
        more = {name: asked.get(name) for name in ("last_name", "username")}
        return _reply(self._world.person(asked.get("first_name") or "Anna", asked.get("language_code") or "en", **more))

    async def group(self, request: web.Request) -> web.Response:
        asked = await request.json()
        group = self._world.group(asked["title"], asked.get("members") or [])
        for bot in self._world.bots.values():
            self._world.conversation(bot, group["id"])
        return _reply(group)

    async def upload(self, request: web.Request) -> web.Response:
        query = request.query
        data = await request.read()
        return _reply(self._world.files.add(data, query.get("name", "file"), query.get("mime", "")).id)

    async def file(self, request: web.Request) -> web.Response:
        found = self._world.files.get(request.match_info["id"])
        # Never as something that a browser would run.
        mime = found.mime if found.mime.startswith("image/") and "svg" not in found.mime else "application/octet-stream"
        return web.Response(body=found.data, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})

    async def send(self, request: web.Request) -> web.Response:
        asked = await request.json()
        content = user_content.content(self._world.files, asked)
        chat = asked.get("chat") or _id(request)
        sent = self._deeds.send(self._bot(asked), _id(request), content, chat=chat, reply_to=asked.get("reply_to"))
        return _reply(sent["message_id"])

    async def press(self, request: web.Request) -> web.Response:
        asked = await request.json()
        chat = asked.get("chat") or _id(request)
        self._deeds.press(self._bot(asked), _id(request), asked["message_id"], asked["data"], chat=chat)
        return _reply(True)

    async def block(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._deeds.block(self._bot(asked), _id(request), blocked=asked["blocked"])
        return _reply(True)

    async def chat(self, request: web.Request) -> web.Response:
        found = self._chat(request)
        return _reply({"messages": found.seen(), "actions": found.actions, "toasts": found.toasts})

    async def live(self, request: web.Request) -> web.StreamResponse:
        return await event_stream.stream(request, self._chat(request))

    async def crowd(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return _reply(
            self._crowds.start(
                self._bot(asked), asked["people"], asked["pictures"], int(asked["each"]), float(asked["spread_s"])
            )
        )

    async def progress(self, request: web.Request) -> web.Response:
        return _reply(self._crowds.progress(int(request.query["crowd"])))

    async def outcome(self, request: web.Request) -> web.Response:
        crowd = request.query.get("crowd")
        return _reply(self._crowds.outcome(None if crowd is None else int(crowd)))

    async def faults(self, request: web.Request) -> web.Response:
        try:
            self._world.faults.set(**await request.json())
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return _reply(True)

    async def limits(self, request: web.Request) -> web.Response:
        self._world.limits_on = bool((await request.json())["on"])
        return _reply(True)

    async def calls(self, request: web.Request) -> web.Response:
        return _reply(self._world.calls.since(int(request.query.get("since", 0))))

    async def repeat(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._bot(asked).updates.repeat(asked["update_id"])
        return _reply(True)

    def _bot(self, asked: dict[str, Any]) -> BotAccount:
        return self._world.known_bot(asked.get("bot"))

    def _chat(self, request: web.Request) -> Chat:
        return self._world.conversation(self._bot(dict(request.query)), _id(request))


def _id(request: web.Request) -> int:
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
