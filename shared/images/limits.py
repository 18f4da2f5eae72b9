"""What a picture may cost before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Caps that are checked before a single pixel is decoded."""

    #: Bytes. What Telegram lets a bot download (getFile); the 48-megapixel JPEG of a phone is about 15 MB.
    max_bytes: int = 20 * 1024 * 1024
    #: Pixels. Phones make up to 50 million; decoded, a pixel takes four bytes, so this is 200 MB a picture.
    max_pixels: int = 50_000_000
    #: Pixels of the shorter side. Below it a lesion is a blot: enlarging it would invent what is judged.
    min_side: int = 32
    #: Scans of a JPEG, thumbnails included. Progressive ones have about ten, each of which goes over the whole
    #: picture; a file made of thousands of empty ones would hold a core for hours.
    max_scans: int = 64
    #: Reads of the file while it is parsed. Real pictures need tens to thousands; a file made of
    #: millions of empty chunks would hold a core for many seconds.
    max_reads: int = 100_000


#: The limits of the service.
DECODE_LIMITS = DecodeLimits()
