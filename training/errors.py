"""Errors that the user of a command can fix."""


class TrainingError(Exception):
    """Raised when the data, the weights or an option cannot be used. The message is one sentence."""
