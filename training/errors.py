"""What can go wrong for the person who runs the command."""


class TrainingError(Exception):
    """Raised when the data, the weights or an option cannot be used. The message is one sentence."""
