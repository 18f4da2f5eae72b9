"""HTTP routes of the control API under `/sim/`."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from simulator.control.event_stream import stream_events
from simulator.control.load_generator import LoadGenerator
from simulator.control.user_actions import Placement, UserActions
from simulator.control.user_content import build_content, forward_content
from simulator.errors import ApiError
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat
from simulator.state.state import SimulatorState

#: How many requests with an id are remembered.
_MAX_REQUEST_IDS: Final = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_control_routes(app: web.Application, state: SimulatorState) -> None:
    """Add the routes that scripts and the chat page call."""
    handlers = _ControlHandlers(state)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/sim/bots", handlers.list_bots),
        ("GET", "/sim/users", handlers.list_users),
        ("POST", "/sim/users", handlers.create_user),
        ("POST", "/sim/users/{id}/messages", handlers.send_message),
        ("POST", "/sim/users/{id}/edits", handlers.edit_message),
        ("POST", "/sim/users/{id}/button_presses", handlers.press_button),
        ("POST", "/sim/users/{id}/block", handlers.set_blocked),
        ("POST", "/sim/groups", handlers.create_group),
        ("POST", "/sim/groups/{id}/migration", handlers.migrate_group),
        ("POST", "/sim/groups/{id}/rights", handlers.set_rights),
        ("POST", "/sim/files", handlers.upload_file),
        ("GET", "/sim/files/{id}", handlers.get_file),
        ("GET", "/sim/chats/{id}", handlers.get_chat),
        ("GET", "/sim/chats/{id}/events", handlers.stream_events),
        ("POST", "/sim/load_runs", handlers.start_load),
        ("GET", "/sim/load_runs/progress", handlers.get_load_progress),
        ("GET", "/sim/load_runs/results", handlers.get_load_results),
        ("POST", "/sim/faults", handlers.set_faults),
        ("POST", "/sim/rate_limits", handlers.set_rate_limits),
        ("GET", "/sim/calls", handlers.list_calls),
        ("POST", "/sim/redeliveries", handlers.redeliver_update),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _with_error_responses(handler))


class _ControlHandlers:
    """One handler for each route."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state
        self._user_actions = UserActions(state)
        self._load_generator = LoadGenerator(state, self._user_actions)
        #: Message ids by the ids of the latest requests that have one: such a request may be repeated.
        self._sent: dict[str, int] = {}

    async def list_bots(self, _: web.Request) -> web.Response:
        return _json_result([bot.info for bot in self._state.bots.values()])

    async def list_users(self, request: web.Request) -> web.Response:
        latest = int(request.query.get("latest", 100))
        return _json_result(list(self._state.users.values())[-latest:])

    async def create_user(self, request: web.Request) -> web.Response:
        body = await request.json()
        first_name, language_code = body.get("first_name") or "Anna", body.get("language_code") or "en"
        optional = {name: body.get(name) for name in ("last_name", "username")}
        return _json_result(self._state.add_user(first_name, language_code, **optional))

    async def create_group(self, request: web.Request) -> web.Response:
        body = await request.json()
        group = self._state.add_group(body["title"], body.get("members") or [])
        for bot in self._state.bots.values():
            self._state.get_chat(bot, group["id"])
        return _json_result(group)

    async def upload_file(self, request: web.Request) -> web.Response:
        query = request.query
        data = await request.read()
        return _json_result(self._state.files.add(data, query.get("name", "file"), query.get("mime", "")).new_file_id())

    async def get_file(self, request: web.Request) -> web.Response:
        file = self._state.files.get(request.match_info["id"])
        # Never a type whose content a browser would execute.
        mime = file.mime if file.mime.startswith("image/") and "svg" not in file.mime else "application/octet-stream"
        return web.Response(body=file.data, content_type=mime, headers={"X-Content-Type-Options": "nosniff"})

    async def send_message(self, request: web.Request) -> web.Response:
        body, user_id = await request.json(), _path_id(request)
        request_id = body.get("request_id")
        if request_id in self._sent:
            return _json_result(self._sent[request_id])
        bot = self._find_bot(body)
        content = self._forward(bot, body) if body.get("kind") == "forward" else build_content(self._state.files, body)
        placement = Placement(
            chat=body.get("chat") or user_id,
            reply_to=body.get("reply_to"),
            topic=body.get("topic"),
            anonymous=bool(body.get("anonymous")),
        )
        message_id = self._user_actions.send_message(bot, user_id, content, placement)["message_id"]
        if request_id:
            self._sent[request_id] = message_id
            if len(self._sent) > _MAX_REQUEST_IDS:
                del self._sent[next(iter(self._sent))]
        return _json_result(message_id)

    def _forward(self, bot: BotAccount, body: dict[str, Any]) -> dict[str, Any]:
        message = self._state.get_chat(bot, int(body["from_chat"])).find_message(body["message_id"])
        if message is None:
            raise ApiError(404, "there is no such message to forward")
        return forward_content(message)

    async def edit_message(self, request: web.Request) -> web.Response:
        body = await request.json()
        content = build_content(self._state.files, body)
        self._user_actions.edit_message(self._find_bot(body), _path_id(request), body["message_id"], content)
        return _json_result(True)

    async def migrate_group(self, request: web.Request) -> web.Response:
        return _json_result(self._state.migrate_group(_path_id(request)))

    async def set_rights(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._state.get_chat(self._find_bot(body), _path_id(request)).forbidden = frozenset(body["forbidden"])
        return _json_result(True)

    async def press_button(self, request: web.Request) -> web.Response:
        body, user_id = await request.json(), _path_id(request)
        self._user_actions.press_button(
            self._find_bot(body), user_id, body["message_id"], body["data"], chat=body.get("chat") or user_id
        )
        return _json_result(True)

    async def set_blocked(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._user_actions.set_blocked(self._find_bot(body), _path_id(request), blocked=body["blocked"])
        return _json_result(True)

    async def get_chat(self, request: web.Request) -> web.Response:
        chat = self._find_chat(request)
        return _json_result({"messages": chat.list_messages(), "actions": chat.actions, "toasts": chat.toasts})

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        chat = self._find_chat(request)
        # A page that names no bot continues with a bot that starts later.
        return await stream_events(request, chat, lambda: self._find_chat(request) is chat)

    async def start_load(self, request: web.Request) -> web.Response:
        body = await request.json()
        run_id = self._load_generator.start(
            self._find_bot(body),
            body["user_ids"],
            body["file_ids"],
            photos_per_user=int(body["photos_per_user"]),
            spread_s=float(body["spread_s"]),
        )
        return _json_result(run_id)

    async def get_load_progress(self, request: web.Request) -> web.Response:
        return _json_result(self._load_generator.get_progress(int(request.query["load_run"])))

    async def get_load_results(self, request: web.Request) -> web.Response:
        run_id = request.query.get("load_run")
        return _json_result(self._load_generator.get_results(None if run_id is None else int(run_id)))

    async def set_faults(self, request: web.Request) -> web.Response:
        try:
            self._state.faults.configure(**await request.json())
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return _json_result(True)

    async def set_rate_limits(self, request: web.Request) -> web.Response:
        self._state.rate_limits_enabled = bool((await request.json())["enabled"])
        return _json_result(True)

    async def list_calls(self, request: web.Request) -> web.Response:
        return _json_result(self._state.calls.since(int(request.query.get("since", 0))))

    async def redeliver_update(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._find_bot(body).updates.redeliver(body["update_id"])
        return _json_result(True)

    def _find_bot(self, parameters: dict[str, Any]) -> BotAccount:
        return self._state.find_bot(parameters.get("bot"))

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
