"""The Bot API over HTTP: `/bot<TOKEN>/<method>` and `/file/bot<TOKEN>/<path>`."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from simulator import account, messages
from simulator.errors import ApiError
from simulator.world import World

#: More than the largest document.
MOST_BYTES: Final = 64 * 2**20

_METHODS: Final[dict[str, Callable[..., Any]]] = {
    "getme": account.get_me,
    "getupdates": account.get_updates,
    "setwebhook": account.set_webhook,
    "deletewebhook": account.delete_webhook,
    "getwebhookinfo": account.get_webhook_info,
    "getfile": account.get_file,
    "sendchataction": account.send_chat_action,
    "answercallbackquery": account.answer_callback_query,
    "setmycommands": account.set_my_commands,
    "getmycommands": account.get_my_commands,
    "setmydescription": account.nothing,
    "setmyshortdescription": account.nothing,
    "setmessagereaction": account.nothing,
    "sendmessage": messages.send_message,
    "sendphoto": messages.send_photo,
    "senddocument": messages.send_document,
    "sendmediagroup": messages.send_media_group,
    "editmessagetext": messages.edit_message_text,
    "editmessagecaption": messages.edit_message_caption,
    "editmessagemedia": messages.edit_message_media,
    "editmessagereplymarkup": messages.edit_message_reply_markup,
    "deletemessage": messages.delete_message,
}


def add_bot_api(app: web.Application, world: World) -> None:
    """Answer calls of bots."""

    async def call(request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        parameters = await _parameters(request)
        noted = world.calls.begin(name, parameters.get("chat_id"))
        fault = noted["fault"] = world.faults.draw(name.lower())
        if fault == "cut_before":
            return _cut(request)
        try:
            if fault in ("429", "500", "403"):
                raise _refusal(fault, world)
            result = await _run(world, request.match_info["token"], name, parameters)
        except ApiError as error:
            noted["error_code"] = error.code
            return _error(error)
        noted["took_effect"] = True
        if isinstance(result, dict) and "message_id" in result:
            noted["message_id"] = result["message_id"]
        if fault == "cut_after":
            return _cut(request)
        noted["ok"] = True
        return web.json_response({"ok": True, "result": result})

    async def download(request: web.Request) -> web.Response:
        try:
            world.bot(request.match_info["token"])
            file = world.files.downloadable(request.match_info["id"])
        except ApiError as error:
            return _error(error)
        return web.Response(body=file.data, content_type=file.mime or "application/octet-stream")

    app.router.add_route("*", "/bot{token}/{method}", call)
    app.router.add_get("/file/bot{token}/files/{id}", download)


async def _run(world: World, token: str, name: str, parameters: dict[str, Any]) -> Any:
    bot = world.bot(token)
    method = _METHODS.get(name.lower())
    if method is None:
        raise ApiError(404, "Not Found: this stand-in does not know the method")
    result = method(world, bot, parameters)
    return await result if inspect.isawaitable(result) else result


async def _parameters(request: web.Request) -> dict[str, Any]:
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        found |= await request.json()
    elif request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            if getattr(part, "filename", None):
                data = bytes(await part.read())  # type: ignore[union-attr]
                found[part.name] = (data, part.filename, part.headers.get("Content-Type", ""))  # type: ignore[index,union-attr]
            else:
                found[part.name] = await part.text()  # type: ignore[index,union-attr]
    else:
        found |= dict(await request.post())
    return found


def _refusal(fault: str, world: World) -> ApiError:
    if fault == "429":
        seconds = world.faults.retry_after
        return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    if fault == "403":
        return ApiError(403, "Forbidden: bot was blocked by the user")
    return ApiError(500, "Internal Server Error")


def _error(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
    return web.json_response(body, status=error.code)


def _cut(request: web.Request) -> web.Response:
    """Break the connection off without a reply."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
