"""The error of a refused call, of the Bot API or of the control API."""


class ApiError(Exception):
    """Raised when a call is refused, with Telegram's status code and description."""

    def __init__(
        self, code: int, description: str, *, retry_after: int | None = None, migrate_to_chat_id: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id


def bad_request(description: str) -> ApiError:
    """An error 400 whose description begins as Telegram's do."""
    return ApiError(400, f"Bad Request: {description}")
