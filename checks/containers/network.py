"""The proxy and updates by webhook."""

from typing import Final

from checks.containers.stack import ContainerStack, expect
from checks.containers.users import converse

_BOTS: Final = 3


def start_the_proxy(stack: ContainerStack) -> str:
    """The proxy terminates TLS with a certificate authority of its own.

    It comes first, since the simulator reads the certificates that it trusts when it starts.
    """
    stack.settings |= {"PROXY_SITE": "https://proxy:8443", "PROXY_TLS": "tls internal"}
    stack.compose("--profile", "webhook", "up", "--detach", "--no-build", "proxy")
    stack.wait_until_healthy("proxy")
    return stack.settings["PROXY_SITE"]


def receive_updates_by_webhook(stack: ContainerStack) -> str:
    """Three bots behind the proxy receive updates."""
    stack.settings |= {"MELANOMA_WEBHOOK_URL": stack.settings["PROXY_SITE"], "BOTS": str(_BOTS)}
    stack.compose("--profile", "webhook", "up", "--detach", "--no-build", "bot", "proxy")
    stack.wait_until_healthy("proxy", "bot")
    expect(len(stack.containers("bot")) == _BOTS, "not all bots run")
    answer = converse(stack, "Vera")
    logs = stack.compose("logs", "--no-color", "proxy")
    expect("X-Telegram-Bot-Api-Secret-Token" not in logs, "the proxy's log contains the webhook's secret")
    return answer.splitlines()[0]
