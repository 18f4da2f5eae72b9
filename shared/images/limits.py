"""Limits of size and cost above which an image is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits that are checked before and while the header is parsed, before a pixel is decoded."""

    #: Bytes. Telegram lets a bot download this much (getFile). The 48-megapixel JPEG of a phone has about 15 MB.
    max_bytes: int = 20 * 1024 * 1024
    #: Pixels. Phones make up to 50 million. A decoded pixel takes four bytes, so this is 200 MB for an image,
    #: and some decoders take several times as much.
    max_pixels: int = 50_000_000
    #: Bytes that decoding one image may take. Enough for `max_pixels` in every format; a worker may be given less.
    max_memory: int = 2**30
    #: Pixels of the shorter side. In a smaller image a lesion is a blot, and scaling it up would invent detail.
    min_side: int = 32
    #: Scans of a JPEG, thumbnails included. Progressive files have about ten, each of which covers the whole image. A
    #: file of thousands of empty scans would occupy a core for hours.
    max_scans: int = 64
    #: Reads of the file while it is parsed. Real images need tens to thousands. A file of millions of empty chunks
    #: would occupy a core for many seconds.
    max_reads: int = 100_000


#: The limits of the service.
DECODE_LIMITS = DecodeLimits()
