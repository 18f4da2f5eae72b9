"""Image store for threads: bytes by job id in Redis, within a byte budget and with a time to live."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import OutOfMemoryError

from shared.redis_client.retry import RedisRetry

PREFIX: Final = "melanoma:image:"

_SCRIPTS: Final = Path(__file__).parent / "scripts"

#: Lua texts that both stores register.
RESERVE: Final = (_SCRIPTS / "reserve.lua").read_text(encoding="utf-8")
DELETE: Final = (_SCRIPTS / "delete.lua").read_text(encoding="utf-8")


def image_key(id_: str) -> str:
    """Key of the bytes of an image."""
    return f"{PREFIX}bytes:{id_}"


def reservation_arguments(images: Mapping[str, bytes], *, budget_bytes: int, ttl_ms: int) -> list[str | int]:
    """Build the arguments of `RESERVE`."""
    return [budget_bytes, ttl_ms, *(part for id_, data in images.items() for part in (id_, len(data)))]


class ImageStore:
    """Images behind one Redis client. Safe to share between threads.

    The store holds at most `budget_bytes` at once and deletes an image after `ttl_s`.
    """

    def __init__(self, client: "Redis", retry: RedisRetry, *, budget_bytes: int, ttl_s: float) -> None:
        self._client = client
        self._retry = retry
        self._budget_bytes = budget_bytes
        self._ttl_ms = round(ttl_s * 1000)
        self._reserve = client.register_script(RESERVE)
        self._delete = client.register_script(DELETE)

    def put(self, images: Mapping[str, bytes]) -> bool:
        """Store all of `images`, or none if they exceed the budget. The call can be repeated.

        Args:
            images: Bytes by job id.

        Returns:
            Whether the images were stored.

        Raises:
            RedisAccessDenied: Redis refuses the user or password.
            redis.exceptions.OutOfMemoryError: Redis itself is full. Then none of `images` is stored.
        """
        arguments = reservation_arguments(images, budget_bytes=self._budget_bytes, ttl_ms=self._ttl_ms)
        if not self._retry.call(lambda: self._reserve(keys=[PREFIX], args=arguments)):
            return False
        try:
            self._retry.call(lambda: self._set(images))
        except OutOfMemoryError:
            # Otherwise their space would stay reserved, and some of them stored, until they expire.
            self.delete(list(images))
            raise
        return True

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return the bytes of each id in order; None for a missing image."""
        keys = [image_key(id_) for id_ in ids]
        if not keys:
            return []
        data: Any = self._retry.call(lambda: self._client.mget(keys))
        return list(data)

    def exist(self, ids: Sequence[str]) -> list[bool]:
        """Return for each id in order whether its image is stored."""
        with self._client.pipeline(transaction=False) as pipeline:
            for id_ in ids:
                pipeline.exists(image_key(id_))
            counts: list[int] = self._retry.call(pipeline.execute)
        return [count == 1 for count in counts]

    def get_used_bytes(self) -> int:
        """Return the bytes that are reserved now. Images that expired since the last `put` still count."""
        total: Any = self._retry.call(lambda: self._client.get(f"{PREFIX}total"))
        return int(total or 0)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete these images."""
        if ids:
            self._retry.call(lambda: self._delete(keys=[PREFIX], args=list(ids)))

    def _set(self, images: Mapping[str, bytes]) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            for id_, data in images.items():
                pipeline.set(image_key(id_), data, px=self._ttl_ms)
            pipeline.execute()
