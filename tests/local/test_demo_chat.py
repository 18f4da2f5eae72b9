"""The conversation of the demo, with the bot's handlers and background tasks."""

import asyncio

import pytest

from local.demo_chat import run_demo_chat
from tests.bot.live.live_bot import LiveBot, run_live_bot


def test_the_conversation_shows_what_users_send_and_press(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario(live: LiveBot) -> None:
        conversation = asyncio.create_task(asyncio.to_thread(run_demo_chat, live.address))
        await live.decide_all(1, verdict=True)
        await conversation

    run_live_bot(redis_url, scenario)
    printed = capsys.readouterr().out
    for line in (
        "Anna  [presses: I agree]",
        "Anna  [sends a rendered photograph]",
        "bot  [the photograph with the evidence drawn over it]",
        "Anna  [presses: What does this mean?]",
        "bot  What this answer means",
        "Мария  [presses: Даю согласие]",
        "Мария  [sends notes.txt]",
    ):
        assert line in printed
