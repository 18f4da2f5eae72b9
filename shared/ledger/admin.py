"""Calls of operators, and of the control loops that apply what operators ask for.

Each is bounded, and can be repeated when its reply was lost.
"""

from collections.abc import Iterable
from typing import Final

from shared.contract.names import CONTRACT_VERSION, LEDGER_VERSION, Queue
from shared.ids import new_token
from shared.ledger import replies
from shared.ledger.records import DeadLetter, DroppedDeadLetters, JobHistory, LedgerOverview, PendingDispatch
from shared.ledger.script_call import ScriptCall, to_ms

#: Maximum number of processes, and of outboxes, that an overview lists.
_MAX_LISTED: Final = 1000


def get_version() -> ScriptCall[int]:
    """Read the version of the ledger. A ledger without one gets the version of this release."""
    return ScriptCall("get_version", (LEDGER_VERSION,), int)


def get_overview() -> ScriptCall[LedgerOverview]:
    """Read the whole ledger in numbers, in one atomic call."""
    return ScriptCall("get_overview", (_MAX_LISTED, *Queue), replies.decode_overview)


def get_outbox_ids(outbox: str, *, cursor: str, limit: int) -> ScriptCall[tuple[str, list[str]]]:
    """Read ids of the jobs of `outbox` that are undecided or not delivered.

    Args:
        outbox: Its name.
        cursor: '0' at first, then the one of the last reply.
        limit: About how many jobs to look at.

    Returns:
        The next cursor, '0' after the last ids, and ids. There may be none though more follow.
    """
    return ScriptCall("get_outbox_ids", (outbox, cursor, limit), replies.decode_page)


def count_at_workers(*, cursor: str, limit: int) -> ScriptCall[tuple[str, dict[str, int]]]:
    """Count the jobs of each outbox that are `ready` or claimed; cursor and `limit` as in `get_outbox_ids`.

    Returns:
        The next cursor, '0' after the last jobs, and the numbers of this page by outbox.
    """
    return ScriptCall("count_at_workers", (cursor, limit), replies.decode_counts_page)


def pause(queue: Queue) -> ScriptCall[bool]:
    """Let no worker claim jobs of `queue`. They stay `ready`; deadlines still pass. True if it was not paused."""
    return ScriptCall("set_paused", (queue, 1), replies.decode_flag)


def resume(queue: Queue) -> ScriptCall[bool]:
    """Let workers claim jobs of `queue` again. The recovery sweep publishes their messages. True if it was paused."""
    return ScriptCall("set_paused", (queue, 0), replies.decode_flag)


def get_dead_letters(limit: int, ids: Iterable[str] = ()) -> ScriptCall[list[DeadLetter]]:
    """Read the oldest dead letters, at most `limit`; or those of `ids` that are dead letters."""
    return ScriptCall("get_dead_letters", (limit, *ids), replies.decode_dead_letters)


def drop_dead_letters(ids: Iterable[str]) -> ScriptCall[DroppedDeadLetters]:
    """Delete dead letters, with their jobs.

    A failure that its owner has not fetched yet is only unmarked and is still delivered.
    """
    return ScriptCall("drop_dead_letters", tuple(ids), replies.decode_dropped)


def replay_dead_letters(
    jobs: Iterable[tuple[str, bool]], *, deadline_s: float
) -> ScriptCall[tuple[int, list[PendingDispatch]]]:
    """Process dead letters again, with a new deadline.

    A replayed job gets the contract version of this release, unless its own is newer.

    Args:
        jobs: Pairs of an id and whether its image is in the store.
        deadline_s: The new deadline, in seconds from now.

    Returns:
        The number of replayed jobs, and those of them for which a message is owed.
    """
    pairs = tuple(part for id_, stored in jobs for part in (id_, int(stored)))
    return ScriptCall("replay_dead_letters", (to_ms(deadline_s), CONTRACT_VERSION, *pairs), replies.decode_replayed)


def get_history(id_: str) -> ScriptCall[JobHistory | None]:
    """Read the record of a job, without its payload; None for an unknown or deleted job."""
    return ScriptCall("get_history", (id_,), lambda reply: replies.decode_history(reply, id_))


def report_status(incarnation: str, serving: str) -> ScriptCall[tuple[str, bool]]:
    """Report what a worker serves, as JSON.

    Returns:
        The directory of the artefact that the worker should serve, '' for the configured one, and whether it should
        drain.
    """
    return ScriptCall("report_status", (incarnation, serving), replies.decode_status_reply)


def request_drain(incarnation: str) -> ScriptCall[bool]:
    """Ask a worker to finish its batch in flight, release the rest and exit. False if it is not alive."""
    return ScriptCall("request_drain", (incarnation,), replies.decode_flag)


def set_desired_model(directory: str, *, instead_of: str) -> ScriptCall[tuple[str, str]]:
    """Ask all workers to serve the artefact in `directory`, or the previous one for ''.

    The same call again changes nothing: its first reply may have been lost.

    Args:
        directory: Name of the directory as workers know it.
        instead_of: The artefact that workers serve if none was ever set.

    Returns:
        The desired directory and the previous one, '' for none.
    """
    return ScriptCall("set_desired_model", (directory, instead_of, new_token()), replies.decode_texts)


def sync_overrides(*changes: tuple[str, str]) -> ScriptCall[dict[str, str]]:
    """Write setting overrides (name, value), '' to remove one. The reply holds all of them."""
    return ScriptCall("sync_overrides", tuple(part for pair in changes for part in pair), replies.decode_overrides)
