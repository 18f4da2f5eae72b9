"""Random sequences of what users can do, against all handlers, background tasks, the ledger and a real Valkey.

After each sequence every photograph is answered, named in a notice, or withdrawn by the user who asked about it, and no
status message stays. After `/delete_me` no key names a user.
"""

import asyncio
import os
import re
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from redis import Redis

from bot.background import message_delivery, outbox_consumer, progress
from bot.services import notices
from local.embedded_valkey import EmbeddedValkey
from shared.contract.names import Queue
from shared.ledger import admin
from simulator.client.client import Group, SimulatorError, User
from simulator.state.state import SimulatorState
from tests.bot.live.live_bot import IMAGE, LiveBot, until, wait_for
from tests.simulator.harness import render_image

USERS = st.integers(0, 1)

#: How the status messages of photographs and albums begin.
STATUS_BEGINNINGS = ("Received", "Your photograph is being looked at")

#: The longest is rare, and long enough for status messages to be sent.
WAITS_MS = (1, 5, 10, 20, 40, 60, 80, 2200)

#: A small allowance, so that sequences reach it.
BURST = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A photograph about which a user asked, in a private chat or in a group."""

    user: int
    chat: int
    message_id: int


@dataclass(slots=True)
class Actor:
    """A user, messages whose buttons the user can press, and the photographs that the user may have withdrawn."""

    user: User
    greeting: int
    deletion: int
    withdrawn: set[Asked] = field(default_factory=set)


class SharedBot:
    """One bot for all sequences, in an event loop of its own."""

    runner: ClassVar[asyncio.Runner]
    live: ClassVar[LiveBot]


@pytest.fixture(scope="module")
def shared_bot(valkey: EmbeddedValkey) -> Iterator[None]:
    """A bot whose waits are short, because nothing here takes time."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(notices, "_SETTLED_S", 0.05)
        patch.setattr(message_delivery, "_SENT_RETENTION_S", 2)
        patch.setattr(message_delivery, "_BLOCKED_RETRY_S", 0.2)
        patch.setattr(progress, "_BLOCKED_RETRY_S", 0.2)
        patch.setattr(outbox_consumer, "_POLL_INTERVAL_S", 0.05)
        # Other tests use users of the same ids, and may have spent their allowances.
        with Redis.from_url(valkey.url) as client:
            client.flushall()
        SharedBot.runner = runner
        SharedBot.live = LiveBot(valkey.url, user_burst=BURST, user_per_minute=600, user_per_day=1000)
        runner.run(SharedBot.live.__aenter__())
        try:
            yield
        finally:
            runner.run(SharedBot.live.__aexit__(None, None, None))


class UserSequences(RuleBasedStateMachine):
    """Two users, their private chats, and a group of both."""

    def __init__(self) -> None:
        super().__init__()
        self.actors: list[Actor] = []
        self.asked: set[Asked] = set()
        #: Photographs that anybody sent to the group.
        self.shown: list[int] = []

    @property
    def live(self) -> LiveBot:
        return SharedBot.live

    def run(self, action: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(120):
                await action

        SharedBot.runner.run(bounded())

    @initialize(consents=st.tuples(st.booleans(), st.booleans()))
    def start(self, consents: tuple[bool, bool]) -> None:
        async def create() -> None:
            self.image = await self.live.simulator.upload(IMAGE)
            self.other_image = await self.live.simulator.upload(render_image(70, 50))
            for consent in consents:
                user = await self.live.create_user(consent=consent)
                greeting = next(
                    message["message_id"] for message in await user.get_messages() if message["from"]["is_bot"]
                )
                question = await wait_for(user, await user.send_text("/delete_me"), "Delete everything")
                self.actors.append(Actor(user, greeting, question["message_id"]))
            self.group: Group = await self.live.simulator.create_group("Family", [actor.user for actor in self.actors])

        self.run(create())

    @rule(number=USERS, count=st.integers(1, 3), is_album=st.booleans())
    def send_photos(self, number: int, count: int, is_album: bool) -> None:
        async def send() -> None:
            user = self.actors[number].user
            if is_album and count > 1:
                sent = await user.send_album([self.image] * count)
            else:
                sent = [await user.send_photo(self.image) for _ in range(count)]
            self.asked |= {Asked(number, user.id, message_id) for message_id in sent}

        self.run(send())

    @rule(number=USERS, is_new=st.booleans())
    def check_in_group(self, number: int, is_new: bool) -> None:
        async def check() -> None:
            user = self.actors[number].user
            if is_new or not self.shown:
                self.shown.append(await user.send_photo(self.image, chat=self.group))
            await user.send_text("/check", chat=self.group, reply_to=self.shown[-1])
            self.asked.add(Asked(number, self.group.id, self.shown[-1]))

        self.run(check())

    @rule(number=USERS)
    def edit_a_photo(self, number: int) -> None:
        async def edit() -> None:
            user = self.actors[number].user
            own = [asked for asked in self.asked if asked.user == number and asked.chat == user.id]
            if own:
                newest = max(own, key=lambda asked: asked.message_id)
                # The old photograph of the message may be withdrawn; the new one is answered or named, too.
                await user.edit_photo(newest.message_id, self.other_image)

        self.run(edit())

    @rule(number=USERS)
    def give_consent(self, number: int) -> None:
        self.press(number, self.actors[number].greeting, "consent")

    @rule(number=USERS)
    def cancel(self, number: int) -> None:
        self.run(self.send_command(number, "/cancel"))
        self.mark_withdrawn(number)

    @rule(number=USERS)
    def delete_everything(self, number: int) -> None:
        self.press(number, self.actors[number].deletion, "delete-for-good")
        self.mark_withdrawn(number)

    @rule(number=USERS)
    def block(self, number: int) -> None:
        self.run(self.actors[number].user.block())
        self.mark_withdrawn(number)

    @rule(number=USERS, command=st.sampled_from(["/start", "/help", "/privacy", "/language", "hello"]))
    def send_text(self, number: int, command: str) -> None:
        self.run(self.send_command(number, command))

    @rule(number=USERS, count=st.integers(1, 3))
    def decide(self, number: int, count: int) -> None:
        del number

        async def decide() -> None:
            ready = await self.live.redis.zrange(f"melanoma:ready:{Queue.INTERACTIVE}", 0, count - 1)
            await self.live.decide([id_.decode() for id_ in ready])

        self.run(decide())

    @rule(number=USERS, button=st.sampled_from(["explain", "feedback", "delete"]))
    def press_under_an_answer(self, number: int, button: str) -> None:
        async def press() -> None:
            user = self.actors[number].user
            answers = [message for message in await user.get_messages(self.group) if message.get("reply_markup")]
            if answers:
                await user.press_button(answers[-1]["message_id"], button, chat=self.group)

        self.run(self.ignore_refusal(press()))

    @rule(milliseconds=st.sampled_from(WAITS_MS))
    def wait(self, milliseconds: int) -> None:
        self.run(asyncio.sleep(milliseconds / 1000))

    def teardown(self) -> None:
        if self.actors:
            self.run(self.finish())

    def mark_withdrawn(self, number: int) -> None:
        self.actors[number].withdrawn |= {asked for asked in self.asked if asked.user == number}

    def press(self, number: int, message_id: int, button: str) -> None:
        self.run(self.ignore_refusal(self.actors[number].user.press_button(message_id, button)))

    async def send_command(self, number: int, command: str) -> None:
        await self.actors[number].user.send_text(command)

    async def ignore_refusal(self, action: Coroutine[Any, Any, None]) -> None:
        try:
            await action
        except SimulatorError:
            return

    async def finish(self) -> None:
        """Let everything come to its end, check the photographs, and delete both users."""
        for actor in self.actors:
            await actor.user.unblock()
        await self.settle()
        for actor in self.actors:
            await actor.user.press_button(actor.greeting, "consent")
        await self.settle()
        for number in range(len(self.actors)):
            await self.check_photos(number)
            await self.check_status_messages(number)
        for actor in self.actors:
            await actor.user.press_button(actor.deletion, "delete-for-good")
        await self.settle()
        await self.check_nothing_left()

    async def settle(self) -> None:
        """Decide everything, until nothing is left to do."""

        remaining: dict[str, int] = {}

        async def is_settled() -> bool:
            await self.live.decide_all()
            counts = await count_remaining(self.live)
            remaining.clear()
            remaining.update(counts)
            return not any(remaining.values())

        for _ in range(2):
            try:
                await until(is_settled)
            except TimeoutError:
                pytest.fail(f"the bot does not come to rest: {remaining}")
            await asyncio.sleep(0.05)

    async def check_photos(self, number: int) -> None:
        actor = self.actors[number]
        for chat in (actor.user.id, self.group.id):
            messages = await actor.user.get_messages(chat)
            bot_messages = [message for message in messages if message["from"]["is_bot"]]
            answered: list[int] = [
                message["reply_to_message"]["message_id"]
                for message in bot_messages
                if message.get("reply_to_message") and "no mole" in str(message.get("text"))
            ]
            open_photos = [
                asked
                for asked in self.asked
                if (asked.user, asked.chat) == (number, chat)
                and asked not in actor.withdrawn
                and asked.message_id not in answered
            ]
            named = sum(count_named(str(message.get("text"))) for message in bot_messages)
            assert len(open_photos) <= named, (open_photos, [message.get("text") for message in bot_messages])
            once = {asked.message_id for asked in self.asked if asked.chat == chat and chat == actor.user.id}
            assert all(answered.count(message_id) <= 2 for message_id in once), "once, and once more if edited"

    async def check_status_messages(self, number: int) -> None:
        """No status message may stay. Their last edits and removals come some time after the answers."""
        user = self.actors[number].user
        staying: list[str] = []

        async def is_none_shown() -> bool:
            messages = [message for chat in (user.id, self.group.id) for message in await user.get_messages(chat)]
            shown = [str(message.get("text")) for message in messages if not message["deleted"]]
            staying[:] = [text for text in shown if text.startswith(STATUS_BEGINNINGS)]
            return not staying

        with suppress(TimeoutError):
            await until(is_none_shown)
        assert staying == []

    async def check_nothing_left(self) -> None:
        for actor in self.actors:
            assert await self.live.list_keys_naming(actor.user) == []
        assert [key async for key in self.live.redis.scan_iter("melanoma:image:bytes:*")] == []


def count_named(text: str) -> int:
    """How many photographs a notice says it has not kept."""
    match = re.search(r"not kept (this|\d+)", text)
    if match is None:
        return 0
    return 1 if match[1] == "this" else int(match[1])


async def count_remaining(live: LiveBot) -> dict[str, int]:
    """How many updates, jobs and messages wait or are in flight."""
    state: SimulatorState = live.state
    # Updates first: the handler of the last one may create jobs.
    updates = len(state.find_bot().updates)
    overview = await live.dependencies.ledger.run(admin.get_overview())
    return {
        "updates": updates,
        "ready": sum(queue.ready for queue in overview.queues.values()),
        "claimed": overview.claimed,
        "in flight": sum(process.in_flight for process in overview.processes),
    } | {f"outbox {outbox.name}": outbox.received + outbox.decided for outbox in overview.outboxes}


#: No shrinking: sequences run against a live bot, whose timing differs each time.
SETTINGS = settings(
    max_examples=int(os.environ.get("USER_SEQUENCES", "15")),
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


@pytest.mark.timeout(7200)
def test_sequences_of_users_leave_no_photograph_without_answer_or_reason(shared_bot: None) -> None:
    run_state_machine_as_test(UserSequences, settings=SETTINGS)
