"""The gate drops requests of users without allowance, and nothing that matters."""

from typing import Any

import pytest

from bot.telegram.flood_gate import FloodGate

USER = {"id": 7}


@pytest.mark.parametrize(
    ("update", "is_dropped"),
    [
        ({"message": {"from": USER, "text": "/help"}}, True),
        ({"message": {"from": USER, "text": "hello"}}, True),
        ({"callback_query": {"from": USER, "data": "language:ru"}}, True),
        ({"message": {"from": USER, "text": "/cancel"}}, False),
        ({"message": {"from": USER, "text": "/delete_me"}}, False),
        ({"callback_query": {"from": USER, "data": "consent"}}, False),
        ({"callback_query": {"from": USER, "data": "delete-for-good"}}, False),
        ({"message": {"from": USER, "photo": []}}, False),
        ({"message": {"from": {"id": 8}, "text": "/help"}}, False),
        ({"my_chat_member": {"from": USER}}, False),
        ({"of_a_coming_release": {"from": USER, "text": "x"}}, False),
        ({"message": {"text": 5}}, False),
    ],
)
def test_gate_drops_requests_of_a_user_without_allowance(update: dict[str, Any], is_dropped: bool) -> None:
    gate = FloodGate()
    assert not gate.drops(update)
    gate.close(7, 60)
    assert gate.drops(update) is is_dropped


def test_gate_for_changes_is_another_one() -> None:
    gate = FloodGate()
    gate.close(7, 60, changes_data=True)
    assert gate.drops({"message": {"from": USER, "text": "/cancel"}})
    assert not gate.drops({"message": {"from": USER, "text": "/help"}})


def test_gate_opens_again() -> None:
    gate = FloodGate()
    gate.close(7, 0)
    assert not gate.drops({"message": {"from": USER, "text": "/help"}})
