"""`melanoma-simulator`: Telegram on this computer, to try a bot without a token."""

import asyncio
import ipaddress
import signal
import sys

import click

from simulator.server import start_server
from simulator.state.state import SimulatorState


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; loopback only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any free one.")
@click.option("--limits/--no-limits", default=True, show_default=True, help="Telegram's limits on messages.")
@click.option("--container", is_flag=True, help="Listen on all addresses: of a container published on loopback only.")
def cli(host: str, port: int, *, limits: bool, container: bool) -> None:
    """Answer a bot as Telegram would, and give people a chat page. Everything is gone when it stops.

    Start the bot with MELANOMA_TELEGRAM_API_URL set to the address that is printed.
    """
    if container:
        sys.exit(asyncio.run(_serve("0.0.0.0", port, limits=limits)))  # noqa: S104 - an operator said so
    try:
        loopback = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise click.UsageError(f"--host {host}: this stand-in knows no passwords and listens on loopback only.")
    sys.exit(asyncio.run(_serve(host, port, limits=limits)))


def main() -> None:
    """Run the command."""
    cli()


async def _serve(host: str, port: int, *, limits: bool) -> int:
    world = SimulatorState()
    world.limits_on = limits
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        runner, address = await start_server(world, host, port)
    except OSError as error:
        print(
            f"melanoma-simulator: port {port} cannot be used: {error.strerror}. Choose one with --port.",
            file=sys.stderr,
        )
        return 2
    print(f"chat page: {address}/", flush=True)
    await stop.wait()
    await runner.cleanup()
    return 0
