"""Outgoing messages: all but answers and status messages. Each is a job in the ledger until it is sent."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.storage import redis_keys
from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.records import NewJob, PendingDispatch
from shared.ledger.script_call import ScriptCall

#: A message is dropped if it could not be sent for so long. Seconds.
_DEADLINE_S: Final = 3600.0

#: Telegram deletes at most so many messages with one call.
MAX_REMOVED: Final = 100


class Button(BaseModel):
    """A button under a message. Telegram sends `data` (at most 64 bytes) back when the button is pressed."""

    model_config = ConfigDict(frozen=True)

    text: str
    data: str


class PhotoNotice(BaseModel):
    """A burst of photos that the bot did not take. The text is composed when it is sent, because it counts them."""

    model_config = ConfigDict(frozen=True)

    user_id: int
    #: Why they were not taken: an `Admission`.
    reason: str
    language: str
    #: When the burst began, so that a later burst is another message.
    began: int


class OutgoingMessage(BaseModel):
    """A message to a chat, the answer to a press of a button, or the removal of earlier messages.

    With `callback_query_id` it answers a press: with `toast`, a text that Telegram shows over the chat for a moment, or
    with nothing. With `removed_message_ids` it deletes messages. Otherwise it is a message with `text`, or with the
    text of `notice`.
    """

    model_config = ConfigDict(frozen=True)

    chat_id: int
    #: The topic of a forum group or private chat.
    thread_id: int | None = None
    text: str = ""
    toast: str = ""
    notice: PhotoNotice | None = None
    reply_to_message_id: int | None = None
    callback_query_id: str | None = None
    #: Messages of the bot that are to be deleted; at most `MAX_REMOVED`.
    removed_message_ids: tuple[int, ...] = ()
    #: Rows of buttons.
    keyboard: tuple[tuple[Button, ...], ...] = ()

    @property
    def line(self) -> str:
        """Name of the line in which it waits. What Telegram does not count as a message waits for no message."""
        messages, presses, removals = list_lines(self.chat_id)
        if self.removed_message_ids:
            return removals
        return presses if self.callback_query_id is not None else messages


def list_lines(chat_id: int) -> tuple[str, str, str]:
    """Return the names of a chat's lines: of messages, of answers to presses, and of removals."""
    return f"chat:{chat_id}", f"press:{chat_id}", f"removal:{chat_id}"


def create_message_job(id_: str, message: OutgoingMessage) -> ScriptCall[list[PendingDispatch]]:
    """Return the call that puts `message` into the outbox. The same id again changes nothing."""
    return transitions.create_jobs(
        [NewJob(id_, message.model_dump_json())],
        # The job stays in `received` until the message is sent: it never reaches a queue.
        queue=Queue.INTERACTIVE,
        outbox=redis_keys.MESSAGE_OUTBOX,
        language="",
        deadline_s=_DEADLINE_S,
        stored=False,
    )
