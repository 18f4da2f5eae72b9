"""A note: any message of the bot that is no answer to a photograph. It lies in the ledger until it is sent."""

from pydantic import BaseModel, ConfigDict

from bot.storage import redis_keys
from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.records import NewJob, PendingDispatch
from shared.ledger.script_call import ScriptCall

#: A note that could not be sent for so long is of no use any more. Seconds.
_USEFUL_S = 3600.0


class Button(BaseModel):
    """A button under a message; `data` comes back when it is pressed (at most 64 bytes)."""

    model_config = ConfigDict(frozen=True)

    text: str
    data: str


class OutgoingMessage(BaseModel):
    """What to send to `chat`.

    With `callback`, the id of a press of a button, that is answered first: with `toast`, shown over the chat for a
    moment, or with nothing.
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
    """The move that puts `note` into the outbox of notes; the same id again changes nothing."""
    return transitions.create_jobs(
        [NewJob(id_, message.model_dump_json())],
        # A note waits in `received` until it is sent: it never reaches a queue.
        queue=Queue.INTERACTIVE,
        outbox=redis_keys.MESSAGE_OUTBOX,
        language="",
        deadline_s=_USEFUL_S,
        stored=False,
    )
