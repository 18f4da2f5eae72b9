"""Methods about the bot itself: its profile, its command menu, its answers to button presses."""

from typing import Any

from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request


def get_me(call: MethodCall) -> dict[str, Any]:
    """`getMe`. Users that name no bot talk to this one from now on."""
    call.state.latest_bot = call.bot
    return call.bot.info


def set_my_name(call: MethodCall) -> bool:
    """`setMyName`. Only the name without a language code is kept."""
    if call.get_text("name") and not call.get_text("language_code"):
        call.bot.info["first_name"] = call.get_text("name")
    return True


def set_my_commands(call: MethodCall) -> bool:
    """`setMyCommands`."""
    commands = call.get_json("commands") or []
    for command in commands:
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        if not 1 <= len(command.get("command", "").removeprefix("/")) <= 32:
            raise bad_request("BOT_COMMAND_INVALID")
    call.bot.commands[_command_scope(call)] = commands
    return True


def get_my_commands(call: MethodCall) -> list[dict[str, str]]:
    """`getMyCommands`."""
    return call.bot.commands.get(_command_scope(call), [])


def delete_my_commands(call: MethodCall) -> bool:
    """`deleteMyCommands`."""
    call.bot.commands.pop(_command_scope(call), None)
    return True


def accept(_: MethodCall) -> bool:
    """Accept a call whose effect the simulator does not show."""
    return True


def set_message_reaction(call: MethodCall) -> bool:
    """`setMessageReaction`. The message must exist; the reaction is not shown."""
    if call.get_chat().find_message(call.get_int("message_id")) is None:
        raise bad_request("message to react not found")
    return True


def answer_callback_query(call: MethodCall) -> bool:
    """`answerCallbackQuery`."""
    chat = call.bot.get_callback_query_chat(call.get_text("callback_query_id"))
    text = call.get_text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    if text:
        chat.add_toast(text, alert=call.get_bool("show_alert"))
    return True


def _command_scope(call: MethodCall) -> tuple[str, str]:
    scope = call.get_json("scope") or {"type": "default"}
    return call.get_text("language_code"), str(scope)
