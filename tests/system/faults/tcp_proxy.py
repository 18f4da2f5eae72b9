"""A connection of one process to Redis that a test can cut."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Final, Self
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 1 << 16


class TcpProxy:
    """A TCP proxy in front of the Redis at `redis_url`. Inside the context it listens at `url`."""

    def __init__(self, redis_url: str) -> None:
        self._target = urlsplit(redis_url).port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy")
        self._connected = asyncio.Event()
        self._connected.set()
        #: Connections of an earlier generation are dead, although neither end knows it.
        self._generation = 0
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Inside the context no data passes, and no connection is closed or refused.

        Afterwards new connections work. Old ones stay silent for ever, as behind a router that lost its state.
        """
        self._loop.call_soon_threadsafe(self._connected.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._restore)

    def _restore(self) -> None:
        self._generation += 1
        self._connected.set()

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        generation = self._generation
        # If Redis does not accept the connection, this end is closed too. `_close` cancels at the end of a test.
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
            await self._wait_until_connected(generation)
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
            with contextlib.closing(inner_writer):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, inner_writer, generation))
                    group.create_task(self._pump(inner_reader, writer, generation))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, generation: int) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._wait_until_connected(generation)
                writer.write(data)
                await writer.drain()
        await self._wait_until_connected(generation)
        writer.close()

    async def _wait_until_connected(self, generation: int) -> None:
        """Wait until there is no cut. Waits for ever if there was one since `generation`."""
        await self._connected.wait()
        if generation != self._generation:
            await asyncio.Event().wait()
