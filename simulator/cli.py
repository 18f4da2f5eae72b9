"""The command `melanoma-simulator`: Telegram on this computer, to try a bot without a real token."""

import asyncio
import ipaddress
import signal
import sys
import time

import click

from simulator.server import start_server
from simulator.state.state import SimulatorState


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any free port.")
@click.option("--limits/--no-limits", default=True, show_default=True, help="Apply Telegram's rate limits on messages.")
@click.option(
    "--container",
    is_flag=True,
    help="Listen on all addresses. For a container whose port is published on loopback only.",
)
def main(host: str, port: int, *, limits: bool, container: bool) -> None:
    """Answer a bot as Telegram would, and serve a chat page. All state is in memory and is lost at the end.

    Start the bot with MELANOMA_TELEGRAM_API_URL set to the printed address.
    """
    if container:
        sys.exit(asyncio.run(_serve("0.0.0.0", port, limits=limits)))  # noqa: S104 - the operator asked for it
    try:
        is_loopback = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise click.UsageError(f"--host {host}: the simulator has no passwords, so it listens on loopback only.")
    sys.exit(asyncio.run(_serve(host, port, limits=limits)))


async def _serve(host: str, port: int, *, limits: bool) -> int:
    state = SimulatorState(started_at=time.time())
    state.rate_limits_enabled = limits
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    try:
        runner, address = await start_server(state, host, port)
    except OSError as error:
        print(
            f"melanoma-simulator: port {port} cannot be used: {error.strerror}. Choose another one with --port.",
            file=sys.stderr,
        )
        return 2
    print(f"chat page: {address}/", flush=True)
    await stop.wait()
    await runner.cleanup()
    return 0
