"""Why a picture has no verdict, in sentences for the person who runs the command."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from shared.contract.decision import FailureReason, RefusalReason
from shared.images.refusal import describe as refusal_sentence


class ReadProblem(StrEnum):
    """Why a file on this machine was not submitted at all."""

    NO_PERMISSION = "no_permission"
    VANISHED = "vanished"
    BROKEN_LINK = "broken_link"
    NOT_A_FILE = "not_a_file"
    READ_FAILED = "read_failed"
    FOLDER_UNREADABLE = "folder_unreadable"
    LARGER_THAN_STORE = "larger_than_store"


class FileNotReadable(Exception):
    """Raised when a file cannot be submitted; `problem` says why."""

    def __init__(self, problem: ReadProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class LocalRefusal(BaseModel):
    """The refusal of a file that never left this machine. In results it looks like any other refusal."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["refusal"] = "refusal"
    reason: ReadProblem
    advice: tuple[()] = ()


_READ_PROBLEMS: Final[dict[ReadProblem, str]] = {
    ReadProblem.NO_PERMISSION: "The file may not be read by this user: change its permissions.",
    ReadProblem.VANISHED: "The file was gone when its turn came.",
    ReadProblem.BROKEN_LINK: "The link leads nowhere, or in a circle.",
    ReadProblem.NOT_A_FILE: "This is not a regular file but a folder, a pipe, a socket or a device.",
    ReadProblem.READ_FAILED: "The file could not be read from its disk or network share.",
    ReadProblem.FOLDER_UNREADABLE: "The folder could not be listed: what it holds was not judged.",
    ReadProblem.LARGER_THAN_STORE: (
        "The picture alone is larger than the picture store's whole budget: raise MELANOMA_IMAGE_STORE_MAX_BYTES."
    ),
}

_READ_NAMES: Final = frozenset(problem.value for problem in ReadProblem)

_FAILURES: Final[dict[FailureReason, str]] = {
    FailureReason.DEADLINE: "No worker got to it before its deadline. Are workers running? Submit it again.",
    FailureReason.DECODE_DIED: "Reading the picture ended the process that tried, so it was given up.",
    FailureReason.DECODE_HUNG: "Reading the picture never ended, so it was given up.",
    FailureReason.PREDICT_FAILED: "The model failed on this picture.",
    FailureReason.TOO_MANY_ATTEMPTS: "Workers died too often while they had it, so it was given up.",
    FailureReason.UNKNOWN_CONTRACT: (
        "The worker and this command are of releases that do not understand each other: install the same one,"
        " then submit the file again."
    ),
}


def describe(kind: str, reason: str) -> str:
    """Say what `reason` of a refusal or failure means. An unknown reason is given back as it is."""
    try:
        if kind == "failure":
            return _FAILURES[FailureReason(reason)]
        if reason in _READ_NAMES:
            return _READ_PROBLEMS[ReadProblem(reason)]
        return refusal_sentence(RefusalReason(reason))
    except ValueError:
        return reason
