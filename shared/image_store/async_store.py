"""Image store for coroutines."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from shared.image_store.store import DELETE, PREFIX, RESERVE, image_key, reservation_arguments
from shared.redis_client.retry import AsyncRedisRetry


class AsyncImageStore:
    """`ImageStore` behind one asynchronous Redis client, for the coroutines of one event loop."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, *, budget_bytes: int, ttl_s: float) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._budget_bytes = budget_bytes
        self._ttl_ms = round(ttl_s * 1000)
        self._reserve = client.register_script(RESERVE)
        self._delete = client.register_script(DELETE)

    async def put(self, images: Mapping[str, bytes]) -> bool:
        """Store all of `images` or none, see `ImageStore.put`."""
        arguments = reservation_arguments(images, budget_bytes=self._budget_bytes, ttl_ms=self._ttl_ms)
        if not await self._retry.call(lambda: self._reserve(keys=[PREFIX], args=arguments)):
            return False

        async def store() -> None:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for id_, data in images.items():
                    pipeline.set(image_key(id_), data, px=self._ttl_ms)
                await pipeline.execute()

        try:
            await self._retry.call(store)
        except OutOfMemoryError:
            await self.delete(list(images))
            raise
        return True

    async def get(self, id_: str) -> bytes | None:
        """Return the bytes of one image; None if it is missing."""
        data: bytes | None = await self._retry.call(lambda: self._redis.get(image_key(id_)))
        return data

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete these images."""
        if ids:
            await self._retry.call(lambda: self._delete(keys=[PREFIX], args=list(ids)))
