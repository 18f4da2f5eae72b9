"""Presses of buttons, also of those that older releases sent, reach their handlers."""

import json
from operator import itemgetter
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import CallbackQuery, Chat, Message, Update, User

from bot.app import create_dispatcher, create_services
from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.flood_gate import FloodGate
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob
from tests.bot.redis_fixture import run_scenario

JOB_ID = "0123456789abcdef" * 2
OWNER, OTHER = 7, 8


async def press(dependencies: BotDependencies, data: str, user_id: int = OWNER) -> dict[str, Any]:
    """Press a button of the chat of `OWNER`. Returns the toast of the answer, and the text of the message if any."""
    dispatcher = create_dispatcher(dependencies, create_services(dependencies, b"key"), FloodGate(), b"key")
    user = User(id=user_id, is_bot=False, first_name="A", language_code="en")
    chat = Chat(id=OWNER, type="private")
    message = Message(message_id=3, date=0, chat=chat)  # type: ignore[arg-type] # a time as Telegram sends it
    query = CallbackQuery(id="1", from_user=user, chat_instance="1", message=message, data=data)
    await dispatcher.feed_update(Bot("42:token"), Update(update_id=1, callback_query=query))
    await dependencies.ledger.run(transitions.heartbeat("reader", lease_s=5))
    jobs = await dependencies.ledger.run(
        transitions.lease(Stage.RECEIVED, outbox=redis_keys.MESSAGE_OUTBOX, limit=9, incarnation="reader")
    )
    answer, *messages = sorted(map(json.loads, (job.payload for job in jobs)), key=itemgetter("text"))
    assert answer["callback_query_id"] == "1"
    return {"toast": answer["toast"], "text": "".join(message["text"] for message in messages)}


async def refuse_photo(dependencies: BotDependencies) -> None:
    origin = PhotoOrigin(chat_id=OWNER, message_id=1, user_id=OWNER, file_id="F")
    jobs = [NewJob(JOB_ID, origin.model_dump_json())]
    await dependencies.ledger.run(
        transitions.create_jobs(
            jobs, queue=Queue.INTERACTIVE, outbox="telegram", language="en", deadline_s=60, stored=False
        )
    )
    await dependencies.ledger.run(transitions.decide([(JOB_ID, Refusal(reason=RefusalReason.TOO_SMALL))]))


@pytest.mark.parametrize(
    ("data", "text", "toast"),
    [
        ("consent:", "Now send me a photograph", ""),
        ("language:ru", "Теперь я пишу по-русски.", ""),
        ("language:xx", "", ""),
        (f"explain:{JOB_ID}", "The program gives no score", ""),
        ("explain:0", "", "This answer is no longer kept."),
        (f"feedback:{JOB_ID}", "Was the answer clear to you?", ""),
        (f"rated:yes:{JOB_ID}", "", "Thank you."),
        ("rated:yes:0", "", "This answer is no longer kept."),
        ("feedback:0", "", "This answer is no longer kept."),
        ("delete:", "Delete everything about you", ""),
        ("delete-for-good:", "Everything about you is deleted", ""),
        ("no-such-button", "", ""),
    ],
)
def test_press_of_a_button_of_an_older_release_is_answered(redis_url: str, data: str, text: str, toast: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        await refuse_photo(dependencies)
        message = await press(dependencies, data)
        assert text in message["text"]
        assert bool(message["text"]) == bool(text)
        assert toast in message["toast"]
        assert bool(message["toast"]) == bool(toast)

    run_scenario(redis_url, scenario)


@pytest.mark.parametrize("data", [f"explain:{JOB_ID}", f"feedback:{JOB_ID}", f"rated:no:{JOB_ID}"])
def test_only_the_owner_of_a_photo_may_press_its_buttons(redis_url: str, data: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        await refuse_photo(dependencies)
        message = await press(dependencies, data, user_id=OTHER)
        assert message["toast"].startswith("Only the person who asked")
        assert message["text"] == ""
        assert await dependencies.client.exists(redis_keys.FEEDBACK) == 0

    run_scenario(redis_url, scenario)
