"""How a command says that it could not do what it was asked."""


class OpsError(Exception):
    """Raised where a command cannot do what was asked. The message says what is wrong, where, and what to do."""
