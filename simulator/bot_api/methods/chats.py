"""Methods that look up chats, their members and files."""

from typing import Any

from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request


def get_file(call: MethodCall) -> dict[str, Any]:
    """`getFile`. The file can be downloaded at its path below `/file/bot<TOKEN>/`."""
    file_id = call.get_text("file_id")
    file = call.state.files.get_downloadable(file_id)
    return {
        "file_id": file_id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.data),
        "file_path": f"files/{file_id}",
    }


def get_chat(call: MethodCall) -> dict[str, Any]:
    """`getChat`."""
    return call.get_chat().info | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


def get_chat_member(call: MethodCall) -> dict[str, Any]:
    """`getChatMember`."""
    chat = call.get_chat()
    user_id = call.get_int("user_id")
    if user_id == call.bot.id:
        return {"status": "member", "user": call.bot.info}
    if user_id not in chat.members:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return {"status": "member", "user": call.state.users[user_id]}
