"""The methods by lower-case name, since Telegram ignores the case of method names."""

from collections.abc import Callable
from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods import account, chats, edit, send, updates

METHODS: Final[dict[str, Callable[[MethodCall], Any]]] = {
    name.lower(): method
    for name, method in {
        "getMe": account.get_me,
        "setMyName": account.set_my_name,
        "setMyDescription": account.accept,
        "setMyShortDescription": account.accept,
        "setMyCommands": account.set_my_commands,
        "getMyCommands": account.get_my_commands,
        "deleteMyCommands": account.delete_my_commands,
        "setMessageReaction": account.set_message_reaction,
        "answerCallbackQuery": account.answer_callback_query,
        "getUpdates": updates.get_updates,
        "setWebhook": updates.set_webhook,
        "deleteWebhook": updates.delete_webhook,
        "getWebhookInfo": updates.get_webhook_info,
        "close": updates.close,
        "logOut": updates.close,
        "getFile": chats.get_file,
        "getChat": chats.get_chat,
        "getChatMember": chats.get_chat_member,
        "sendMessage": send.send_message,
        "sendPhoto": send.send_photo,
        "sendDocument": send.send_document,
        "sendMediaGroup": send.send_media_group,
        "sendChatAction": send.send_chat_action,
        "editMessageText": edit.edit_message_text,
        "editMessageCaption": edit.edit_message_caption,
        "editMessageMedia": edit.edit_message_media,
        "editMessageReplyMarkup": edit.edit_message_reply_markup,
        "deleteMessage": edit.delete_message,
        "deleteMessages": edit.delete_messages,
    }.items()
}
