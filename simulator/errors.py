"""What the Bot API says when it does not do something."""


class ApiError(Exception):
    """Raised when a call is refused, with the code and the words that Telegram uses."""

    def __init__(self, code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


def bad_request(description: str) -> ApiError:
    """400 with Telegram's usual beginning."""
    return ApiError(400, f"Bad Request: {description}")
