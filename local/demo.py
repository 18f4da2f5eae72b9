"""The demo: starts the service, submits a folder with `melanoma-submit`, shows a chat, stops everything."""

import os
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from local.bot_processes import simulator_environment, simulator_url, start_bot, start_simulator
from local.demo_chat import run_demo_chat
from local.demo_output import check_output, clear_output
from local.embedded_valkey import EmbeddedValkey, free_port
from local.flower import flower_address, flower_command
from local.preflight import check_redis, has_configured_redis, read_settings, settle_flower_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, start_worker, wait_until_ready
from samples.demo import render_samples
from shared.redis_client.client import display_address

_RENDERED_NOTE: Final = (
    "These pictures are rendered. They show how the service works; its verdicts on them have no medical meaning."
)


def demo(folder: Path | None, out: Path) -> int:
    """Run the demo on `folder`, or on rendered samples, and write the results to `out`.

    Returns:
        The exit code of `melanoma-submit`.

    Raises:
        SettingsError: A setting is wrong, a port is taken, or the configured Redis does not answer.
        OutputError: `out` is or contains `folder`, or holds files that no demo wrote. Nothing was started.
    """
    check_output(out, folder)
    config = settle_flower_port(read_settings(), os.environ)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="melanoma-demo-")))
        if has_configured_redis(config):
            check_redis(config)
        else:
            broker = stack.enter_context(EmbeddedValkey(home / "valkey"))
            os.environ["REDIS_URL"] = broker.url
            config = config.model_copy(update={"redis_url": SecretStr(broker.url)})
        print(f"broker   {display_address(config.ledger_url)}")
        flower, secrets = flower_command(config)
        stack.enter_context(BackgroundProcess(flower, log=home / "flower.log", environment=secrets))
        print(f"Flower   {flower_address(config)}")
        worker = stack.enter_context(start_worker(home / "worker.log"))
        print(f"worker   loading {config.artefact} ...", flush=True)
        wait_until_ready(worker)
        clear_output(out, folder)
        submit = [*command("melanoma-submit"), "--out", str(out)]
        if folder is None:
            folder = home / "samples"
            render_samples(folder)
            submit += ["--note", _RENDERED_NOTE]
        # Ctrl-C in the terminal also reaches melanoma-submit, which ends first. Then the other processes are stopped.
        code = subprocess.run([*submit, str(folder)], check=False).returncode  # noqa: S603 - our own command line
        if code == 0 and config.bot_token is None:
            port = free_port()
            stack.enter_context(start_simulator(home / "telegram.log", port))
            stack.enter_context(start_bot(home / "bot.log", simulator_environment(port)))
            print("\nThe same service in a chat (on a simulator of Telegram; with `make up` you can chat yourself):\n")
            run_demo_chat(simulator_url(port))
        if code == 0:
            print(f"Done. Open {out / 'report.html'} in a browser. To classify your own pictures and to chat: make up")
        return code
