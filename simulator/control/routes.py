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


def add_control_routes(app: web.Application, world: SimulatorState) -> None:
    """Answer scripts and the page."""
    control = _ControlHandlers(world)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/sim/bots", control.list_bots),
        ("GET", "/sim/people", control.list_users),
        ("POST", "/sim/people", control.create_user),
        ("POST", "/sim/groups", control.create_group),
        ("POST", "/sim/files", control.upload_file),
        ("GET", "/sim/files/{id}", control.get_file),
        ("POST", "/sim/people/{id}/messages", control.send_message),
        ("POST", "/sim/people/{id}/presses", control.press_button),
        ("POST", "/sim/people/{id}/block", control.set_blocked),
        ("GET", "/sim/chats/{id}", control.get_chat),
        ("GET", "/sim/chats/{id}/live", control.stream_events),
        ("POST", "/sim/crowds", control.start_load),
        ("GET", "/sim/crowds/progress", control.get_load_progress),
        ("GET", "/sim/crowds/outcome", control.get_load_results),
        ("POST", "/sim/faults", control.set_faults),
        ("POST", "/sim/limits", control.set_rate_limits),
        ("GET", "/sim/calls", control.list_calls),
        ("POST", "/sim/repeat", control.redeliver_update),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _with_error_responses(handler))


class _ControlHandlers:
    """A handler for each thing that can be asked for."""

    def __init__(self, world: SimulatorState) -> None:
        self._state = world
        self._user_actions = UserActions(world)
        self._load_generator = LoadGenerator(world, self._user_actions)

    async def list_bots(self, _: web.Request) -> web.Response:
        return _json_result([bot.info for bot in self._state.bots.values()])

    async def list_users(self, request: web.Request) -> web.Response:
        latest = int(request.query.get("latest", 100))
        return _json_result(list(self._state.users.values())[-latest:])

    async def create_user(self, request: web.Request) -> web.Response:
        asked = await request.json()
        more = {name: asked.get(name) for name in ("last_name", "username")}
        return _json_result(
            self._state.add_user(asked.get("first_name") or "Anna", asked.get("language_code") or "en", **more)
        )

    async def create_group(self, request: web.Request) -> web.Response:
        asked = await request.json()
        group = self._state.add_group(asked["title"], asked.get("members") or [])
        for bot in self._state.bots.values():
            self._state.get_chat(bot, group["id"])
        return _json_result(group)

    async def upload_file(self, request: web.Request) -> web.Response:
        query = request.query
        data = await request.read()
        return _json_result(self._state.files.add(data, query.get("name", "file"), query.get("mime", "")).id)

    async def get_file(self, request: web.Request) -> web.Response:
        found = self._state.files.get(request.match_info["id"])
        # Never as something that a browser would run.
        mime = found.mime if found.mime.startswith("image/") and "svg" not in found.mime else "application/octet-stream"
        return web.Response(body=found.data, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})

    async def send_message(self, request: web.Request) -> web.Response:
        asked = await request.json()
        content = user_content.build_content(self._state.files, asked)
        chat = asked.get("chat") or _path_id(request)
        sent = self._user_actions.send_message(
            self._find_bot(asked), _path_id(request), content, chat=chat, reply_to=asked.get("reply_to")
        )
        return _json_result(sent["message_id"])

    async def press_button(self, request: web.Request) -> web.Response:
        asked = await request.json()
        chat = asked.get("chat") or _path_id(request)
        self._user_actions.press_button(
            self._find_bot(asked), _path_id(request), asked["message_id"], asked["data"], chat=chat
        )
        return _json_result(True)

    async def set_blocked(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._user_actions.set_blocked(self._find_bot(asked), _path_id(request), blocked=asked["blocked"])
        return _json_result(True)

    async def get_chat(self, request: web.Request) -> web.Response:
        found = self._find_chat(request)
        return _json_result({"messages": found.list_messages(), "actions": found.actions, "toasts": found.toasts})

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        return await event_stream.stream_events(request, self._find_chat(request))

    async def start_load(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return _json_result(
            self._load_generator.start(
                self._find_bot(asked), asked["people"], asked["pictures"], int(asked["each"]), float(asked["spread_s"])
            )
        )

    async def get_load_progress(self, request: web.Request) -> web.Response:
        return _json_result(self._load_generator.get_progress(int(request.query["crowd"])))

    async def get_load_results(self, request: web.Request) -> web.Response:
        crowd = request.query.get("crowd")
        return _json_result(self._load_generator.get_results(None if crowd is None else int(crowd)))

    async def set_faults(self, request: web.Request) -> web.Response:
        try:
            self._state.faults.configure(**await request.json())
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return _json_result(True)

    async def set_rate_limits(self, request: web.Request) -> web.Response:
        self._state.limits_on = bool((await request.json())["on"])
        return _json_result(True)

    async def list_calls(self, request: web.Request) -> web.Response:
        return _json_result(self._state.calls.since(int(request.query.get("since", 0))))

    async def redeliver_update(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._find_bot(asked).updates.redeliver(asked["update_id"])
        return _json_result(True)

    def _find_bot(self, asked: dict[str, Any]) -> BotAccount:
        return self._state.find_bot(asked.get("bot"))

    def _find_chat(self, request: web.Request) -> Chat:
        return self._state.get_chat(self._find_bot(dict(request.query)), _path_id(request))


def _path_id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _with_error_responses(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return web.json_response({"error": error.description}, status=error.code)
        except (KeyError, ValueError) as error:
            return web.json_response({"error": f"the request is not understood: {error}"}, status=400)

    return handle


def _json_result(value: Any) -> web.Response:
    return web.json_response({"result": value})
