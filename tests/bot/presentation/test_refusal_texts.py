"""Each reason for a refusal has a text in each language of the bot."""

import pytest

from bot.locales import list_languages, translate
from bot.presentation.rendering import render_answer
from shared.contract.decision import Refusal, RefusalReason


@pytest.mark.parametrize("language", list_languages())
@pytest.mark.parametrize("reason", RefusalReason)
def test_render_answer_has_a_text_for_each_refusal_reason(reason: RefusalReason, language: str) -> None:
    title = translate(language, "refusal-title")
    answer = render_answer(Refusal(reason=reason), language)
    assert answer.startswith(f"<b>{title}</b>\n\n")
    assert len(answer) > len(title) + 20
