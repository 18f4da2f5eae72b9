"""Methods about the bot itself: who it is, and the commands in its menu."""

from typing import Any

from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request


def get_me(call: MethodCall) -> dict[str, Any]:
    """`getMe`; people who name nobody talk to this bot from now on."""
    call.world.latest = call.bot
    return call.bot.about


def set_my_name(call: MethodCall) -> bool:
    """`setMyName`, in all languages."""
    if call.text("name") and not call.text("language_code"):
        call.bot.about["first_name"] = call.text("name")
    return True


def set_my_commands(call: MethodCall) -> bool:
    """`setMyCommands`."""
    commands = call.structure("commands") or []
    for one in commands:
        if not 1 <= len(one.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        if not 1 <= len(one.get("command", "").removeprefix("/")) <= 32:
            raise bad_request("BOT_COMMAND_INVALID")
    call.bot.commands[_where(call)] = commands
    return True


def get_my_commands(call: MethodCall) -> list[dict[str, str]]:
    """`getMyCommands`."""
    return call.bot.commands.get(_where(call), [])


def delete_my_commands(call: MethodCall) -> bool:
    """`deleteMyCommands`."""
    call.bot.commands.pop(_where(call), None)
    return True


def nothing(_: MethodCall) -> bool:
    """What changes nothing that this stand-in shows."""
    return True


def set_message_reaction(call: MethodCall) -> bool:
    """`setMessageReaction`, of a message that is there; the reaction is not shown."""
    if call.chat().find(call.number("message_id")) is None:
        raise bad_request("message to react not found")
    return True


def answer_callback_query(call: MethodCall) -> bool:
    """`answerCallbackQuery`."""
    chat = call.bot.press(call.text("callback_query_id"))
    text = call.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    if text:
        chat.toast(text, alert=call.flag("show_alert"))
    return True


def _where(call: MethodCall) -> tuple[str, str]:
    scope = call.structure("scope") or {"type": "default"}
    return call.text("language_code"), str(scope)
