"""The Bot API over HTTP: `/bot<TOKEN>/<method>` and `/file/bot<TOKEN>/<path>`."""

import inspect
from typing import Any

from aiohttp import web

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods.registry import METHODS
from simulator.bot_api.parameters import read_parameters
from simulator.errors import ApiError
from simulator.state.bot_account import parse_bot_id
from simulator.state.rate_limits import too_many_requests
from simulator.state.state import SimulatorState


def add_bot_api_routes(app: web.Application, world: SimulatorState) -> None:
    """Answer calls of bots."""

    async def call(request: web.Request) -> web.StreamResponse:
        token, name = request.match_info["token"], request.match_info["method"]
        noted = world.calls.start(name, token.partition(":")[0])
        try:
            given = await read_parameters(request)
            noted["chat_id"], noted["message_id"] = given.get("chat_id"), given.get("message_id")
            fault = noted["fault"] = world.faults.draw(name.lower())
            if fault == "cut_before":
                return _abort_connection(request)
            if fault is not None and fault != "cut_after":
                raise _fault_error(fault, world)
            result = await _call_method(world, token, name, given)
        except ApiError as error:
            noted["error_code"] = error.code
            return _error_response(error)
        noted["took_effect"] = True
        _record_message_ids(noted, result)
        if fault == "cut_after":
            return _abort_connection(request)
        noted["ok"] = True
        return web.json_response({"ok": True, "result": result})

    async def download(request: web.Request) -> web.Response:
        try:
            parse_bot_id(request.match_info["token"])
            file = world.files.get_downloadable(request.match_info["id"])
        except ApiError as error:
            return _error_response(error)
        return web.Response(body=file.data, content_type="application/octet-stream")

    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_get("/file/bot{token}/files/{id}", download)


async def _call_method(world: SimulatorState, token: str, name: str, given: dict[str, Any]) -> Any:
    bot = world.get_or_create_bot(token)
    method = METHODS.get(name.lower())
    if method is None:
        raise ApiError(404, "Not Found")
    result = method(MethodCall(world, bot, given))
    return await result if inspect.isawaitable(result) else result


def _record_message_ids(noted: dict[str, Any], result: Any) -> None:
    made = result if isinstance(result, list) else [result]
    numbers = [one["message_id"] for one in made if isinstance(one, dict) and "message_id" in one]
    if numbers:
        noted["message_id"], noted["message_ids"] = numbers[0], numbers


def _fault_error(fault: str, world: SimulatorState) -> ApiError:
    if fault == "429":
        return too_many_requests(world.faults.retry_after)
    if fault == "403":
        return ApiError(403, "Forbidden: bot was blocked by the user")
    return ApiError(500, "Internal Server Error")


def _error_response(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return web.json_response(body, status=error.code)


def _abort_connection(request: web.Request) -> web.Response:
    """Break the connection off without a reply."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
