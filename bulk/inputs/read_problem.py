"""Problems with files on this machine that keep an image from being submitted."""

from enum import StrEnum


class ReadProblem(StrEnum):
    """Reason why a file was not submitted. Each has a sentence in `bulk.results.reason_texts`."""

    NO_PERMISSION = "no_permission"
    VANISHED = "vanished"
    BROKEN_LINK = "broken_link"
    NOT_A_FILE = "not_a_file"
    READ_FAILED = "read_failed"
    FOLDER_UNREADABLE = "folder_unreadable"
    LARGER_THAN_STORE = "larger_than_store"
    #: The input format raised an exception that it should not.
    FORMAT_FAILED = "format_failed"

    ENCRYPTED = "encrypted"
    ARCHIVE_DAMAGED = "archive_damaged"
    ARCHIVE_TOO_LARGE = "archive_too_large"
    ARCHIVE_UNSUPPORTED = "archive_unsupported"

    DICOM_NOT_INSTALLED = "dicom_not_installed"
    DICOM_DAMAGED = "dicom_damaged"
    DICOM_UNSUPPORTED = "dicom_unsupported"
    SEVERAL_FRAMES = "several_frames"
    NOT_A_PHOTOGRAPH = "not_a_photograph"


class FileNotReadable(Exception):
    """Raised when a file cannot be submitted; `problem` says why."""

    def __init__(self, problem: ReadProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem
