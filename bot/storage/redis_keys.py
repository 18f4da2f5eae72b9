"""Names of what the bot keeps in Redis beside the ledger. `delete_me` must reach every one that names a person."""

from typing import Final

from shared.ledger.script_call import KEY_PREFIX

PREFIX: Final = f"{KEY_PREFIX}telegram:"

#: Outbox of photographs and outbox of notes in the ledger.
PHOTOGRAPHS: Final = "telegram"
NOTES: Final = "telegram:notes"

#: Hash: answers of today by outcome. List: the latest times to an answer, in seconds.
LATENCIES: Final = f"{PREFIX}latencies"
FEEDBACK: Final = f"{PREFIX}feedback"
#: That a reply of Telegram's was lost within the last minute.
TROUBLE: Final = f"{PREFIX}trouble"
#: Sorted set: whose waiting is to be told next, by when.
PROGRESS: Final = f"{PREFIX}progress"


def person(person_id: int) -> str:
    """Hash: language, consent, what is left of the person's allowance."""
    return f"{PREFIX}person:{person_id}"


def jobs(person_id: int) -> str:
    """Set: ids of the person's jobs."""
    return f"{PREFIX}jobs:{person_id}"


def before_consent(person_id: int) -> str:
    """Hash: photographs sent before consent, as job id -> reference."""
    return f"{PREFIX}before-consent:{person_id}"


def told(job_id: str) -> str:
    """What was told of a waiting job: the id of the message that says so."""
    return f"{PREFIX}told:{job_id}"


def tries(job_id: str) -> str:
    """How often an answer or a note could not be sent."""
    return f"{PREFIX}tries:{job_id}"


def rated(job_id: str) -> str:
    """That an answer was rated."""
    return f"{PREFIX}rated:{job_id}"


def album(name: str) -> str:
    """Set: ids of the jobs of one album; `name` is its member in `PROGRESS`."""
    return f"{PREFIX}album:{name}"


def day(date: str) -> str:
    """Hash: answers of one day (UTC) by outcome."""
    return f"{PREFIX}day:{date}"
