"""Buttons that were sent by any release can be pressed."""

import pytest
from aiogram.filters.callback_data import CallbackData

from bot.presentation import keyboards
from bot.presentation.button_data import (
    AskDeletion,
    AskFeedback,
    ChooseLanguage,
    ConfirmDeletion,
    ExplainAnswer,
    GiveConsent,
    GiveFeedback,
)

JOB_ID = "0123456789abcdef" * 2

ALL: list[type[CallbackData]] = [
    GiveConsent,
    ChooseLanguage,
    ExplainAnswer,
    AskFeedback,
    GiveFeedback,
    AskDeletion,
    ConfirmDeletion,
]


def parse(data: str) -> list[CallbackData]:
    """Return what each class that takes `data` reads from it."""
    parsed = []
    for kind in ALL:
        try:
            parsed.append(kind.unpack(data))
        except (TypeError, ValueError):  # the errors that aiogram's filter takes for another kind of button
            continue
    return parsed


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("consent:", GiveConsent()),
        ("language:en", ChooseLanguage(language="en")),
        ("language:ru", ChooseLanguage(language="ru")),
        (f"explain:{JOB_ID}", ExplainAnswer(job_id=JOB_ID)),
        (f"feedback:{JOB_ID}", AskFeedback(job_id=JOB_ID)),
        (f"rated:yes:{JOB_ID}", GiveFeedback(rating="yes", job_id=JOB_ID)),
        (f"rated:no:{JOB_ID}", GiveFeedback(rating="no", job_id=JOB_ID)),
        ("delete:", AskDeletion()),
        ("delete-for-good:", ConfirmDeletion()),
    ],
)
def test_buttons_of_older_releases_are_read(data: str, expected: CallbackData) -> None:
    assert parse(data) == [expected]


@pytest.mark.parametrize("data", ["", "consent:x", "rated:maybe:0", "unknown:1", "explain"])
def test_data_of_no_button_is_not_read(data: str) -> None:
    assert parse(data) == []


@pytest.mark.parametrize(
    "rows",
    [
        keyboards.consent("en"),
        keyboards.languages(),
        keyboards.under_answer("en", JOB_ID),
        keyboards.feedback("en", JOB_ID),
        keyboards.deletion("en"),
    ],
)
def test_each_button_of_a_keyboard_is_read_as_one_kind(rows: keyboards.Rows) -> None:
    for row in rows:
        for button in row:
            assert len(button.data.encode()) <= 64
            (parsed,) = parse(button.data)
            assert parsed.pack() == button.data
