"""Sentences that explain to the user of the command why an image has no verdict."""

from typing import Final

from bulk.inputs.read_problem import ReadProblem
from shared.contract.decision import FailureReason, RefusalReason
from shared.images.refusal import describe as describe_refusal

#: Why an image has no verdict. No two of these enumerations share a value.
Reason = RefusalReason | FailureReason | ReadProblem

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

_FAILURES: Final[dict[FailureReason, str]] = {
    FailureReason.DEADLINE: "No worker decided it before its deadline. Are workers running? Submit the file again.",
    FailureReason.DECODE_DIED: "The process that decoded the picture died, so the picture was given up.",
    FailureReason.DECODE_HUNG: "Decoding the picture took too long, so it was given up.",
    FailureReason.DECODE_FAILED: "The worker failed while it decoded the picture.",
    FailureReason.PREDICT_FAILED: "The model failed on this picture.",
    FailureReason.TOO_MANY_ATTEMPTS: "Too many workers died while they held the picture, so it was given up.",
    FailureReason.UNKNOWN_CONTRACT: (
        "The worker and this command are of releases that do not understand each other: install the same one,"
        " then submit the file again."
    ),
}


def describe(reason: Reason) -> str:
    """Explain `reason` in a sentence."""
    match reason:
        case FailureReason():
            return _FAILURES[reason]
        case ReadProblem():
            return _READ_PROBLEMS[reason]
        case RefusalReason():
            return describe_refusal(reason)
