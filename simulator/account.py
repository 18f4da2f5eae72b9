"""Methods about the bot itself: who it is, its updates, its commands, files and presses of its buttons."""

import json
from typing import Any

from simulator.errors import ApiError, bad_request
from simulator.webhook import Webhook
from simulator.world import Bot, World

Parameters = dict[str, Any]


async def get_me(world: World, bot: Bot, call: Parameters) -> dict[str, Any]:
    """`getMe`."""
    return bot.about


async def get_updates(world: World, bot: Bot, call: Parameters) -> list[dict[str, Any]]:
    """`getUpdates`."""
    if bot.webhook is not None:
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active;"
            " use deleteWebhook to delete the webhook first",
        )
    bot.updates.allowed = _list(call.get("allowed_updates")) or bot.updates.allowed
    limit = min(100, int(call.get("limit") or 100))
    return await bot.updates.poll(int(call.get("offset") or 0), limit, float(call.get("timeout") or 0))


async def set_webhook(world: World, bot: Bot, call: Parameters) -> bool:
    """`setWebhook`; the same again changes nothing."""
    url, secret = str(call.get("url") or ""), str(call.get("secret_token") or "")
    if not url:
        return await delete_webhook(world, bot, call)
    bot.updates.allowed = _list(call.get("allowed_updates")) or bot.updates.allowed
    if bot.webhook is not None:
        if (bot.webhook.url, bot.webhook.secret) == (url, secret):
            return True
        await bot.webhook.stop()
    bot.webhook = Webhook(url, secret, bot.updates, connections=int(call.get("max_connections") or 40))
    return True


async def delete_webhook(world: World, bot: Bot, call: Parameters) -> bool:
    """`deleteWebhook`."""
    if bot.webhook is not None:
        await bot.webhook.stop()
        bot.webhook = None
    if str(call.get("drop_pending_updates")).lower() == "true":
        bot.updates.clear()
    return True


async def get_webhook_info(world: World, bot: Bot, call: Parameters) -> dict[str, Any]:
    """`getWebhookInfo`."""
    return {
        "url": bot.webhook.url if bot.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
        **({"last_error_message": bot.webhook.last_error} if bot.webhook and bot.webhook.last_error else {}),
    }


async def get_file(world: World, bot: Bot, call: Parameters) -> dict[str, Any]:
    """`getFile`."""
    file = world.files.downloadable(str(call.get("file_id")))
    return {
        "file_id": file.id,
        "file_unique_id": file.unique,
        "file_size": len(file.data),
        "file_path": f"files/{file.id}",
    }


async def send_chat_action(world: World, bot: Bot, call: Parameters) -> bool:
    """`sendChatAction`."""
    chat = bot.chat(call.get("chat_id"))
    chat.actions.append(str(call.get("action")))
    del chat.actions[:-100]
    chat.tell({"kind": "action", "action": call.get("action")})
    return True


async def answer_callback_query(world: World, bot: Bot, call: Parameters) -> bool:
    """`answerCallbackQuery`."""
    chat = bot.presses.pop(str(call.get("callback_query_id")), None)
    if chat is None:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if call.get("text"):
        if len(str(call["text"])) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        bot.chats[chat].toasts.append(str(call["text"]))
        bot.chats[chat].tell({"kind": "toast", "text": call["text"]})
    return True


async def set_my_commands(world: World, bot: Bot, call: Parameters) -> bool:
    """`setMyCommands`."""
    if call.get("scope"):
        return True  # only those of private chats are shown
    commands = call.get("commands")
    bot.commands[str(call.get("language_code") or "")] = (
        json.loads(commands) if isinstance(commands, str) else commands or []
    )
    return True


async def get_my_commands(world: World, bot: Bot, call: Parameters) -> list[dict[str, str]]:
    """`getMyCommands`."""
    return bot.commands.get(str(call.get("language_code") or ""), [])


async def nothing(world: World, bot: Bot, call: Parameters) -> bool:
    """What changes nothing that this stand-in shows."""
    return True


def _list(value: object) -> list[str]:
    found = json.loads(value) if isinstance(value, str) else value
    return list(found) if isinstance(found, list) else []
