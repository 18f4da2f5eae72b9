"""The web application of the simulator."""

from pathlib import Path
from typing import Final

from aiohttp import web

from simulator.bot_api.parameters import MAX_BODY_BYTES
from simulator.bot_api.routes import add_bot_api_routes
from simulator.control.event_stream import STREAMS
from simulator.control.routes import add_control_routes
from simulator.state.state import SimulatorState

_PAGE: Final = Path(__file__).parent / "page"
#: The page loads nothing from other servers and runs only scripts of its own files.
_CONTENT_SECURITY_POLICY: Final = "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'"


def create_app(state: SimulatorState) -> web.Application:
    """Create the application: Bot API, control API and chat page."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[STREAMS] = set()
    add_bot_api_routes(app, state)
    add_control_routes(app, state)

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html", headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY})

    # The server waits for requests that are being handled. A poll or a stream ends by itself only much later.
    async def end_long_requests(app: web.Application) -> None:
        for stream in app[STREAMS]:
            stream.cancel()
        for bot in state.bots.values():
            bot.updates.end_poll()
            if bot.webhook is not None:
                await bot.webhook.stop()

    app.on_shutdown.append(end_long_requests)
    app.router.add_get("/", page)
    app.router.add_static("/page/", _PAGE)
    return app


async def start_server(state: SimulatorState, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen on `host`:`port`; returns the runner and the base URL. Raises `OSError` if the port is taken."""
    runner = web.AppRunner(create_app(state), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    url_host = f"[{bound_host}]" if ":" in bound_host else bound_host
    return runner, f"http://{url_host}:{bound_port}"
