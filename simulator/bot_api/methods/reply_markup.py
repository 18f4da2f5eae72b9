"""Reads the inline keyboard of a message."""

from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request

_MAX_DATA_BYTES: Final = 64


def read_reply_markup(call: MethodCall) -> dict[str, Any]:
    """`reply_markup`, or an empty dict if there are no buttons. Raises `ApiError`."""
    markup = call.get_json("reply_markup")
    if not markup:
        return {}
    rows = [row for row in markup.get("inline_keyboard", []) if row]
    for row in rows:
        for button in row:
            _check_button(button)
    if "inline_keyboard" in markup:
        return {"reply_markup": {"inline_keyboard": rows}} if rows else {}
    # Telegram accepts keyboards that replace the phone's own one, but no message contains them.
    return {}


def _check_button(button: dict[str, Any]) -> None:
    if not str(button.get("text") or "").strip():
        raise bad_request("can't parse inline keyboard button: Text must be non-empty")
    data = button.get("callback_data")
    if data is None:
        if not any(button.get(kind) is not None for kind in ("url", "web_app", "copy_text", "switch_inline_query")):
            raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    elif not 1 <= len(str(data).encode()) <= _MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
