"""A simulated user that a script controls."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final
from uuid import uuid4

from simulator.client.http_client import HttpClient, Message, SimulatorError

_JPEG_NAME_AND_TYPE: Final = ("photo.jpg", "image/jpeg")


class Group(int):
    """The id of a group that contains the bot."""

    @property
    def id(self) -> int:
        """The id as a plain, negative integer."""
        return int(self)


class User:
    """A user who chats with `bot`, named by its id or username; None is the latest bot.

    A file is bytes, or a file id of `SimulatorClient.upload`. `chat` is a group or its id, and by default the user's
    private chat. All methods raise `SimulatorError` if the simulator refuses the request.
    """

    def __init__(self, http: HttpClient, id_: int, bot: int | str | None = None) -> None:
        self._http = http
        self.id = id_
        self.bot = bot

    async def send_text(
        self, text: str, *, chat: int | None = None, reply_to: int | None = None, **options: Any
    ) -> int:
        """Send a text; returns the message's id. Options: topic, anonymous (as the group, as administrators can)."""
        return await self._send("text", text=text, chat=chat, reply_to=reply_to, **options)

    async def send_photo(self, image: bytes | str, caption: str | None = None, **options: Any) -> int:
        """Send a photo; returns the message's id. Options: those of `send_text`, media_group_id, forwarded."""
        return await self._send(
            "photo", file=await self._upload(image, *_JPEG_NAME_AND_TYPE), caption=caption, **options
        )

    async def send_album(self, images: Sequence[bytes | str], **options: Any) -> list[int]:
        """Send photos as one album; returns the ids of their messages."""
        group = uuid4().hex
        return [await self.send_photo(image, media_group_id=group, **options) for image in images]

    async def send_document(
        self, data: bytes | str, name: str, mime: str, caption: str | None = None, **options: Any
    ) -> int:
        """Send a file unchanged; returns the message's id. Options are those of `send_photo`."""
        file = await self._upload(data, name, mime)
        return await self._send("document", file=file, name=name, mime=mime, caption=caption, **options)

    async def send_voice(self) -> int:
        """Send a voice message; returns its id."""
        return await self.send_media("voice")

    async def send_sticker(self) -> int:
        """Send a sticker; returns the message's id."""
        return await self.send_media("sticker")

    async def send_animation(self, data: bytes | str | None = None) -> int:
        """Send an animation, whose message also has a document; returns the message's id."""
        return await self.send_media("animation", data)

    async def send_live_photo(self, image: bytes | str) -> int:
        """Send a live photo, whose message also has a photo; returns the message's id."""
        return await self.send_media("live_photo", image)

    async def send_media(self, kind: str, data: bytes | str | None = None) -> int:
        """Send a voice, sticker, video, animation or live_photo; returns the message's id."""
        file = None if data is None else await self._upload(data, kind, "application/octet-stream")
        return await self._send(kind, file=file)

    async def forward(self, message: Message, *, chat: int | None = None) -> int:
        """Forward a message into `chat`; returns the new message's id."""
        return await self._send("forward", from_chat=message["chat"]["id"], message_id=message["message_id"], chat=chat)

    async def edit_photo(self, message_id: int, image: bytes | str, caption: str | None = None) -> None:
        """Replace the photo or the caption of a message in the private chat."""
        file = await self._upload(image, *_JPEG_NAME_AND_TYPE)
        await self._post("edits", kind="photo", message_id=message_id, file=file, caption=caption)

    async def press_button(self, message_id: int, button: str, *, chat: int | None = None) -> None:
        """Press the button whose data, data before the colon, or start of data or text is `button`."""
        await self._post("button_presses", message_id=message_id, data=button, chat=chat)

    async def block(self, *, blocked: bool = True) -> None:
        """Block the bot, or unblock it."""
        await self._post("block", blocked=blocked)

    async def unblock(self) -> None:
        """Unblock the bot."""
        await self.block(blocked=False)

    async def get_messages(self, chat: int | None = None) -> list[Message]:
        """The messages of the chat in order, including deleted ones.

        Each is in Telegram's JSON, with `edited` (number of edits), `deleted`, and under `sim` what Telegram does not
        show: `sent_at` and `edited_at` in seconds of the monotonic clock, `replies` of the bot, `update_id`.
        """
        return list((await self._get_chat(chat))["messages"])

    async def get_chat_actions(self, chat: int | None = None) -> list[str]:
        """The latest 100 chat actions that the bot sent."""
        return list((await self._get_chat(chat))["actions"])

    async def get_toasts(self, chat: int | None = None) -> list[str]:
        """The latest 100 texts with which the bot answered button presses."""
        return list((await self._get_chat(chat))["toasts"])

    async def wait_for_message(
        self, matches: Callable[[Message], bool], timeout_s: float = 30, *, chat: int | None = None
    ) -> Message:
        """The first message of a bot that `matches`: an existing one, a new one, or one that matches after an edit.

        Raises:
            TimeoutError: There was none within `timeout_s` seconds. The error quotes the bot's latest messages.
        """
        bot_texts: list[str] = []
        try:
            async with (
                asyncio.timeout(timeout_s),
                aclosing(self._http.stream_events(chat or self.id, self.bot)) as events,
            ):
                async for event in events:
                    message: Message = event.get("message", {})
                    if message and message["from"]["is_bot"]:
                        if matches(message):
                            return message
                        bot_texts.append(str(message.get("text") or message.get("caption") or "[no text]"))
        except TimeoutError:
            raise TimeoutError(f"no such message within {timeout_s} s; the bot said {bot_texts[-5:]}") from None
        raise SimulatorError("the simulator has stopped")

    async def download(self, file_id: str) -> bytes:
        """Download a file of a message."""
        return await self._http.download(file_id)

    async def _get_chat(self, chat: int | None) -> dict[str, Any]:
        return dict(await self._http.get(f"/sim/chats/{chat or self.id}", bot=self.bot))

    async def _send(self, kind: str, *, chat: int | None = None, **content: Any) -> int:
        return int(await self._post("messages", kind=kind, chat=chat, **content))

    async def _post(self, action: str, **body: Any) -> Any:
        return await self._http.post(f"/sim/users/{self.id}/{action}", {"bot": self.bot, **body})

    async def _upload(self, data: bytes | str, name: str, mime: str) -> str:
        return data if isinstance(data, str) else await self._http.upload(data, name, mime)
