"""Text lengths as Telegram counts them."""


def utf16_length(text: str) -> int:
    """Length of `text` in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
