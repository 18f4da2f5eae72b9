"""The HTTP interface by which the chat page and tests act as users."""
