"""Names of what the bot keeps in Redis beside the ledger. `delete_me` must reach every one that names a person."""

from typing import Final

from shared.ledger.script_call import KEY_PREFIX

PREFIX: Final = f"{KEY_PREFIX}telegram:"

#: Outbox of photographs and outbox of notes in the ledger.
PHOTO_OUTBOX: Final = "telegram"
MESSAGE_OUTBOX: Final = "telegram:notes"

#: Hash: answers of today by outcome. List: the latest times to an answer, in seconds.
LATENCIES: Final = f"{PREFIX}latencies"
FEEDBACK: Final = f"{PREFIX}feedback"
#: That a reply of Telegram's was lost within the last minute.
LOST_REPLY: Final = f"{PREFIX}trouble"
#: Sorted set: whose waiting is to be told next, by when.
STATUS_UPDATES: Final = f"{PREFIX}progress"


def user(user_id: int) -> str:
    """Hash: language, consent, what is left of the person's allowance."""
    return f"{PREFIX}person:{user_id}"


def jobs(user_id: int) -> str:
    """Set: ids of the person's jobs."""
    return f"{PREFIX}jobs:{user_id}"


def pending_photos(user_id: int) -> str:
    """Hash: photographs sent before consent, as job id -> reference."""
    return f"{PREFIX}before-consent:{user_id}"


def status_message(job_id: str) -> str:
    """What was told of a waiting job: the id of the message that says so."""
    return f"{PREFIX}told:{job_id}"


def attempts(job_id: str) -> str:
    """How often an answer or a note could not be sent."""
    return f"{PREFIX}tries:{job_id}"


def feedback_given(job_id: str) -> str:
    """That an answer was rated."""
    return f"{PREFIX}rated:{job_id}"


def album(name: str) -> str:
    """Set: ids of the jobs of one album; `name` is its member in `PROGRESS`."""
    return f"{PREFIX}album:{name}"


def daily_answers(date: str) -> str:
    """Hash: answers of one day (UTC) by outcome."""
    return f"{PREFIX}day:{date}"
