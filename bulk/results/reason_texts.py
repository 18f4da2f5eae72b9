"""Sentences that explain to the user of the command why an image has no verdict."""

from typing import Final

from bulk.inputs.read_problem import ReadProblem
from shared.contract.decision import FailureReason, RefusalReason
from shared.images.refusal import describe as describe_refusal

#: Reason why an image has no verdict. No two of these enumerations share a value.
Reason = RefusalReason | FailureReason | ReadProblem

_READ_PROBLEMS: Final[dict[ReadProblem, str]] = {
    ReadProblem.NO_PERMISSION: "The file may not be read by this user: change its permissions.",
    ReadProblem.VANISHED: "The file was gone when its turn came.",
    ReadProblem.BROKEN_LINK: "The link leads nowhere, or in a circle.",
    ReadProblem.NOT_A_FILE: "This is not a regular file but a folder, a pipe, a socket or a device.",
    ReadProblem.READ_FAILED: "The file could not be read from its disk or network share.",
    ReadProblem.FOLDER_UNREADABLE: "The folder could not be listed, so nothing in it was judged.",
    ReadProblem.LARGER_THAN_STORE: (
        "The picture alone is larger than the picture store's whole budget: raise MELANOMA_IMAGE_STORE_MAX_BYTES."
    ),
    ReadProblem.FORMAT_FAILED: "The program that reads files of this kind failed on it; the log names the error.",
    ReadProblem.ENCRYPTED: "The file is encrypted inside its archive: unpack it, then submit the folder.",
    ReadProblem.ARCHIVE_DAMAGED: "The archive is damaged or incomplete: what could not be read was not judged.",
    ReadProblem.ARCHIVE_TOO_LARGE: (
        "The archive holds more files, or unpacks to more, than an archive may: unpack it, then submit the folder."
    ),
    ReadProblem.ARCHIVE_UNSUPPORTED: (
        "The archive compresses the file by a method that is not read here: unpack it, then submit the folder."
    ),
    ReadProblem.DICOM_NOT_INSTALLED: (
        "DICOM files need the package pydicom: install the extra `dicom`, then --retry submits the file again."
    ),
    ReadProblem.DICOM_DAMAGED: "The DICOM file is damaged or incomplete.",
    ReadProblem.DICOM_UNSUPPORTED: "The pixels of the DICOM file are coded in a way that is not read here.",
    ReadProblem.SEVERAL_FRAMES: "The DICOM file holds several frames: export the one to be judged alone.",
    ReadProblem.NOT_A_PHOTOGRAPH: (
        "The DICOM file is neither a photograph nor a dermatoscope picture: its modality is another one."
    ),
}

_FAILURES: Final[dict[FailureReason, str]] = {
    FailureReason.DEADLINE: (
        "No worker decided it before its deadline. Are workers running? --retry submits it again."
    ),
    FailureReason.DECODE_DIED: "The process that decoded the picture died, so the picture was given up.",
    FailureReason.DECODE_HUNG: "Decoding the picture took too long, so it was given up.",
    FailureReason.DECODE_FAILED: "The worker failed while it decoded the picture.",
    FailureReason.PREDICT_FAILED: "The model failed on this picture.",
    FailureReason.TOO_MANY_ATTEMPTS: "Too many workers died while they held the picture, so it was given up.",
    FailureReason.UNKNOWN_CONTRACT: (
        "The worker and this command are of releases that do not understand each other: install the same one. Then"
        " --retry submits it again."
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
