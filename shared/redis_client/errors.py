"""Classifies errors of Redis by what a caller can do, and says what they mean."""

from enum import Enum, auto
from typing import Final

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis' own, not the builtin
    MasterDownError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004 - redis' own, not the builtin
)
from redis.sentinel import MasterNotFoundError

#: Codes of refusals that end by themselves: the disk is full, replicas are missing, the server has just become a
#: replica, starts, waits for its master, or runs a long script.
_TRANSIENT: Final = {
    "BUSY": "it is busy with a script",
    "CLUSTERDOWN": "its cluster is down",
    "LOADING": "it is still loading its data",
    "MASTERDOWN": "it is a replica that has lost its master",
    "MISCONF": "it cannot write to its disk",
    "NOREPLICAS": "it has fewer replicas than its min-replicas-to-write asks for",
    "READONLY": "it is a replica, which takes no writes",
    "UNBLOCKED": "it has just become a replica",
}
#: redis-py has classes for some codes and then cuts the code off the text.
_CODES_OF_CLASSES: Final = (
    (BusyLoadingError, "LOADING"),
    (MasterDownError, "MASTERDOWN"),
    (ClusterDownError, "CLUSTERDOWN"),
    (ReadOnlyError, "READONLY"),
)
#: Codes after which other connections of the pool are of no use: they lead to a server that is no longer the master.
_DEMOTED: Final = frozenset({"READONLY", "UNBLOCKED", "MASTERDOWN"})

#: In redis-py some of these are subclasses of `ConnectionError`, so they are checked first.
_ACCESS_DENIED: Final = (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    NoPermissionError,
)
#: The code of a server in protected mode.
_DENIED: Final = "DENIED"

#: What a node of a Redis Cluster says of a script.
_CLUSTER_TEXTS: Final = ("non local key", "do not hash to the same slot")

_MAX_CLIENTS: Final = "max number of clients"

#: What precedes the code: redis-py names the command of a pipeline, Redis a transaction.
_PREFIXES: Final = ("caused error: ", "because of: ")

_MAX_TEXT: Final = 200


class ErrorKind(Enum):
    """Kind of an error of Redis, by what the caller can do."""

    #: The user or password is wrong, or the user may not do this: a person must act.
    ACCESS_DENIED = auto()
    #: Redis cannot be reached, or refuses the call for now: the call is worth a retry.
    UNAVAILABLE = auto()
    #: Anything else: it belongs to the caller.
    OTHER = auto()


class RefusedForNow(ConnectionError):
    """Raised instead of a refusal that ends by itself, where only errors of connections are repeated."""

    def __init__(self, refusal: RedisError) -> None:
        super().__init__(describe_error(refusal))
        self.refusal = refusal


def classify_error(error: RedisError) -> ErrorKind:
    """Return the kind of `error`."""
    if isinstance(error, _ACCESS_DENIED) or _code(error) == _DENIED:
        return ErrorKind.ACCESS_DENIED
    if isinstance(error, ConnectionError | TimeoutError) or _code(error) in _TRANSIENT or _is_max_clients(error):
        return ErrorKind.UNAVAILABLE
    return ErrorKind.OTHER


def is_from_cluster(error: RedisError) -> bool:
    """Return whether only a node of a Redis Cluster answers so. The service's scripts use keys of several nodes."""
    return isinstance(error, AskError | ClusterCrossSlotError) or any(text in str(error) for text in _CLUSTER_TEXTS)


def makes_connections_useless(error: RedisError) -> bool:
    """Return whether other idle connections probably lead nowhere, too: they are better closed than tried."""
    return isinstance(error, TimeoutError) or _code(error) in _DEMOTED


def describe_refusal(error: RedisError) -> str | None:
    """Return the reason why a Redis that answers refuses every call, or every write, for now; None for other errors."""
    if _is_max_clients(error):
        return "it has as many clients as its maxclients allows"
    return _TRANSIENT.get(_code(error))


def describe_error(error: RedisError) -> str:
    """Return why Redis does not serve, for a log line or a sentence: a few words, without the client's internals."""
    if refusal := describe_refusal(error):
        return refusal
    if isinstance(error, MasterNotFoundError):
        return "no Sentinel names a master that answers"
    text = " ".join(str(error).split())
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."


def _is_max_clients(error: RedisError) -> bool:
    return _MAX_CLIENTS in str(error)


def _code(error: RedisError) -> str:
    if isinstance(error, RefusedForNow):
        return _code(error.refusal)
    for error_class, code in _CODES_OF_CLASSES:
        if isinstance(error, error_class):
            return code
    text = str(error)
    for prefix in _PREFIXES:
        text = text.rpartition(prefix)[2]
    return text.partition(" ")[0]
