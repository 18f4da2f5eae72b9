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


class Button(BaseModel):
    """A button under a message. Telegram sends `data` (at most 64 bytes) back when the button is pressed."""

    model_config = ConfigDict(frozen=True)

    text: str
    data: str


class OutgoingMessage(BaseModel):
    """A message to a chat, the answer to a press of a button, or both.

    With `callback_query_id` the press is answered first: with `toast`, a text that Telegram shows over the chat for a
    moment, or with nothing. Without `text` no message is sent.
    """

    model_config = ConfigDict(frozen=True)

    chat_id: int
    text: str = ""
    toast: str = ""
    reply_to_message_id: int | None = None
    callback_query_id: str | None = None
    #: Rows of buttons.
    keyboard: tuple[tuple[Button, ...], ...] = ()


def enqueue(id_: str, message: OutgoingMessage) -> ScriptCall[list[PendingDispatch]]:
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
