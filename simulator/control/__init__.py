"""The control API: the HTTP interface through which the chat page and scripts act as users."""
