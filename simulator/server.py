"""The stand-in as one web application, on loopback only."""

from pathlib import Path
from typing import Final

from aiohttp import web

from simulator.api import MOST_BYTES, add_bot_api
from simulator.control import add_control
from simulator.world import World

_PAGE: Final = Path(__file__).parent / "page"


def application(world: World) -> web.Application:
    """Bot API, control API and chat page."""
    app = web.Application(client_max_size=MOST_BYTES)
    add_bot_api(app, world)
    add_control(app, world)

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html")

    app.router.add_get("/", page)
    app.router.add_static("/page/", _PAGE)
    return app


async def start(world: World, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; returns the runner and the address. Raises `OSError` where the port is taken."""
    runner = web.AppRunner(application(world), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    found = runner.addresses[0]
    return runner, f"http://{found[0]}:{found[1]}"
