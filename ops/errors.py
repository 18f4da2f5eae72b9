"""The error of a command of `melanoma-ops`."""


class OpsError(Exception):
    """Raised when a command cannot do what was asked. The message says what is wrong, where, and what to do."""
