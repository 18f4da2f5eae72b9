"""Methods that control how a bot gets its updates."""

from typing import Any, Final
from urllib.parse import urlsplit

from simulator.bot_api.method_call import MethodCall
from simulator.errors import ApiError, bad_request
from simulator.state.webhook import WebhookSender

_MAX_UPDATES: Final = 100
_MAX_CONNECTIONS: Final = 100
_DEFAULT_CONNECTIONS: Final = 40
_WEBHOOK_IS_SET: Final = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


async def get_updates(call: MethodCall) -> list[dict[str, Any]]:
    """`getUpdates`."""
    if call.bot.webhook is not None:
        raise ApiError(409, _WEBHOOK_IS_SET)
    _set_allowed_updates(call)
    limit = min(_MAX_UPDATES, max(1, call.get_int("limit", _MAX_UPDATES)))
    return await call.bot.updates.poll(call.get_int("offset"), limit, call.get_int("timeout"))


async def set_webhook(call: MethodCall) -> bool:
    """`setWebhook`. It replaces the previous webhook. Unlike Telegram's, it may be plain HTTP."""
    url = call.get_text("url")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise bad_request("bad webhook: invalid webhook URL specified")
    await _remove_webhook(call)
    if url:
        _set_allowed_updates(call)
        call.bot.updates.terminate_poll("setWebhook request")
        call.bot.webhook = WebhookSender(
            url,
            call.get_text("secret_token"),
            call.bot.updates,
            max_connections=min(_MAX_CONNECTIONS, max(1, call.get_int("max_connections", _DEFAULT_CONNECTIONS))),
        )
    return True


async def delete_webhook(call: MethodCall) -> bool:
    """`deleteWebhook`."""
    await _remove_webhook(call)
    return True


def get_webhook_info(call: MethodCall) -> dict[str, Any]:
    """`getWebhookInfo`."""
    webhook, updates = call.bot.webhook, call.bot.updates
    info: dict[str, Any] = {"url": "", "has_custom_certificate": False, "pending_update_count": len(updates)}
    if updates.allowed_kinds:
        info["allowed_updates"] = updates.allowed_kinds
    if webhook is not None:
        info |= {"url": webhook.url, "max_connections": webhook.max_connections}
        info["pending_update_count"] += webhook.pending_count
        if webhook.last_error:
            info |= {"last_error_message": webhook.last_error, "last_error_date": webhook.last_error_date}
    return info


def close(call: MethodCall) -> bool:
    """`close` and `logOut`. They end a running `getUpdates`."""
    call.bot.updates.terminate_poll("close")
    return True


async def _remove_webhook(call: MethodCall) -> None:
    webhook, call.bot.webhook = call.bot.webhook, None
    if webhook is not None:
        await webhook.stop()
    if call.get_bool("drop_pending_updates"):
        call.bot.updates.clear()


def _set_allowed_updates(call: MethodCall) -> None:
    kinds = call.get_json("allowed_updates")
    # A missing list leaves the setting as it is; an empty list allows all kinds.
    if isinstance(kinds, list):
        call.bot.updates.allowed_kinds = [str(kind) for kind in kinds]
