"""Names of the bot's keys in Redis beside the ledger. `/delete_me` must delete every key that belongs to a user."""

from typing import Final

from bot.storage.status_target import AlbumTarget, StatusTarget
from shared.contract.names import TELEGRAM_PHOTOS
from shared.ledger.script_call import KEY_PREFIX

PREFIX: Final = f"{KEY_PREFIX}telegram:"

#: Outboxes in the ledger: jobs of photos, and outgoing messages.
PHOTO_OUTBOX: Final = TELEGRAM_PHOTOS
MESSAGE_OUTBOX: Final = "telegram:messages"

#: List: seconds from photo to answer of the latest answers.
LATENCIES: Final = f"{PREFIX}latencies"
#: Hash: how many users found their answer clear, and how many did not.
FEEDBACK: Final = f"{PREFIX}feedback"
#: Set for a minute after a reply of Telegram was lost.
LOST_REPLY: Final = f"{PREFIX}lost-reply"
#: Before the keys of the rate limiter's scripts: state of each limit, blocks, priorities that wait.
RATE_LIMIT_PREFIX: Final = f"{PREFIX}rate-limit:"
#: Sorted set: targets of status messages by the time of their next update.
STATUS_UPDATES: Final = f"{PREFIX}status-updates"


def user(user_id: int) -> str:
    """Hash: language and consent."""
    return f"{PREFIX}user:{user_id}"


def allowance(user_hash: str) -> str:
    """Hash: the allowance that is left, by a keyed hash of the user's id. `/delete_me` leaves it until it expires."""
    return f"{PREFIX}allowance:{user_hash}"


def jobs(user_id: int) -> str:
    """Sorted set: ids of the user's jobs by the time of their admission."""
    return f"{PREFIX}user-jobs:{user_id}"


def pending_photos(user_id: int) -> str:
    """Hash: photos sent before consent, as job id -> origin."""
    return f"{PREFIX}awaiting-consent:{user_id}"


def unanswered_photos(user_id: int) -> str:
    """Sorted set: photos that the user is about to get a notice about, `chat:reason:message` by time."""
    return f"{PREFIX}unanswered:{user_id}"


def message_line(line: str) -> str:
    """Sorted set: outgoing messages that wait in one line, `id:digest` in the order in which they are sent."""
    return f"{PREFIX}message-line:{line}"


def status_message(target: StatusTarget) -> str:
    """Id of the status message, or the state of its sending."""
    return f"{PREFIX}status-message:{target}"


def status_edit(target: StatusTarget) -> str:
    """Set while a status message is edited."""
    return f"{PREFIX}status-edit:{target}"


def sent_image(unique_id: str) -> str:
    """Id of the job in whose answer the bot sent the image with this `file_unique_id`."""
    return f"{PREFIX}sent-image:{unique_id}"


def attempts(job_id: str) -> str:
    """Number of failed attempts to download a photo, or to send an answer or a message."""
    return f"{PREFIX}attempts:{job_id}"


def feedback_given(job_id: str) -> str:
    """Set once feedback on an answer was counted."""
    return f"{PREFIX}feedback-given:{job_id}"


def album(target: AlbumTarget) -> str:
    """Set: ids of the jobs of one album."""
    return f"{PREFIX}album-jobs:{target.chat_id}:{target.album_id}"


def daily_answers(date: str) -> str:
    """Hash: answers of one day (UTC) by outcome."""
    return f"{PREFIX}answers:{date}"
