"""HTTP routes of the Bot API: `/bot<TOKEN>/<method>` and `/file/bot<TOKEN>/<path>`."""

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


def add_bot_api_routes(app: web.Application, state: SimulatorState) -> None:
    """Add the routes that bots call."""

    async def call_method(request: web.Request) -> web.StreamResponse:
        token, method = request.match_info["token"], request.match_info["method"]
        record = state.calls.start(method, token.partition(":")[0])
        try:
            parameters = await read_parameters(request)
            record["chat_id"], record["message_id"] = parameters.get("chat_id"), parameters.get("message_id")
            fault = record["fault"] = state.faults.draw(method.lower(), record["chat_id"])
            if fault == "hang":
                await state.faults.wait_for_change()
            if fault in ("cut_before", "hang"):
                return _abort_connection(request)
            if fault not in (None, "cut_after", "unknown_result"):
                raise _fault_error(fault, state)
            result = await _call_method(state, token, method, parameters)
        except ApiError as error:
            record["error_code"] = error.code
            return _error_response(error)
        record["took_effect"] = True
        _record_message_ids(record, result)
        if fault == "cut_after":
            return _abort_connection(request)
        record["ok"] = True
        if fault == "unknown_result":
            result = {"form": "of a coming release"}
        return web.json_response({"ok": True, "result": result})

    async def download(request: web.Request) -> web.Response:
        try:
            parse_bot_id(request.match_info["token"])
            file = state.files.get_downloadable(request.match_info["id"])
        except ApiError as error:
            return _error_response(error)
        return web.Response(body=file.data, content_type="application/octet-stream")

    app.router.add_route("*", "/bot{token}/{method}", call_method)
    app.router.add_get("/file/bot{token}/files/{id}", download)


async def _call_method(state: SimulatorState, token: str, name: str, parameters: dict[str, Any]) -> Any:
    bot = state.get_or_create_bot(token)
    method = METHODS.get(name.lower())
    if method is None:
        raise ApiError(404, "Not Found")
    result = method(MethodCall(state, bot, parameters))
    return await result if inspect.isawaitable(result) else result


def _record_message_ids(record: dict[str, Any], result: Any) -> None:
    items = result if isinstance(result, list) else [result]
    message_ids = [item["message_id"] for item in items if isinstance(item, dict) and "message_id" in item]
    if message_ids:
        record["message_id"], record["message_ids"] = message_ids[0], message_ids


def _fault_error(fault: str | None, state: SimulatorState) -> ApiError:
    if fault == "429":
        return too_many_requests(state.faults.retry_after)
    if fault == "403":
        return ApiError(403, "Forbidden: bot was blocked by the user")
    return ApiError(500, "Internal Server Error")


def _error_response(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    if error.migrate_to_chat_id is not None:
        body["parameters"] = {"migrate_to_chat_id": error.migrate_to_chat_id}
    return web.json_response(body, status=error.code)


def _abort_connection(request: web.Request) -> web.Response:
    """Close the connection without a response."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
