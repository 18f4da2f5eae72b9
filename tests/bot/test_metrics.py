"""The bot's metrics follow Prometheus' rules for names."""

import shutil
import subprocess

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bot.metrics import METRICS


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool on this machine")
def test_promtool_accepts_the_names_of_the_metrics() -> None:
    registry = CollectorRegistry()
    for metric in vars(METRICS).values():
        registry.register(metric)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
    names = {family.name for family in registry.collect()}
    assert {"melanoma_bot_updates", "melanoma_bot_answers", "melanoma_bot_telegram_calls"} < names
