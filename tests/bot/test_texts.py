"""Every text exists in both languages, asks for the same values, and fits into what Telegram takes."""

import re
from pathlib import Path
from typing import Final

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor
from hypothesis import given
from hypothesis import strategies as st

from bot.handlers.commands import list_commands
from bot.locales import MissingTextError, translate
from bot.locales.languages import LANGUAGES, from_language_code
from bot.presentation import rendering
from bot.presentation.keyboards import under_answer
from shared.contract.decision import (
    UNMEASURED,
    Advice,
    Band,
    EvidenceMap,
    Failure,
    FailureReason,
    Receipt,
    Refusal,
    RefusalReason,
    Verdict,
    Work,
)
from simulator.bot_api.html_entities import parse, utf16

FOLDER: Final = Path("bot/locales")
CAPTION: Final = 1024
MESSAGE: Final = 4096
CODE: Final = "\n".join(path.read_text(encoding="utf-8") for path in Path("bot").rglob("*.py"))


class Values(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802
        self.names.add(node.id.name)


def messages(language: str) -> dict[str, set[str]]:
    resource = FluentParser().parse((FOLDER / f"{language}.ftl").read_text(encoding="utf-8"))
    found = {}
    for entry in resource.body:
        assert not isinstance(entry, ast.Junk), f"{language}: {entry.content}"
        if isinstance(entry, ast.Message):
            values = Values()
            values.visit(entry)
            found[entry.id.name] = values.names
    return found


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    english, russian = messages("en"), messages("ru")
    assert english.keys() == russian.keys()
    assert {name: values for name, values in english.items() if values != russian[name]} == {}


def test_no_text_is_written_for_nobody() -> None:
    built = re.compile(r"^(refusal|band|meaning|next|advice|population)-")
    unused = [name for name in messages("en") if f'"{name}"' not in CODE and not built.match(name)]
    assert [name for name in unused if name not in ("slow", "day")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_text_or_value_is_not_passed_over(language: str) -> None:
    with pytest.raises(MissingTextError):
        translate(language, "no-such-text")
    with pytest.raises(MissingTextError):
        translate(language, "waiting")


def test_plurals_are_those_of_the_language() -> None:
    said = [translate("ru", "cancelled", photographs=count) for count in (1, 3, 5, 21)]
    assert [line.split(".")[0] for line in said] == [
        "Отозван 1 снимок",
        "Отозвано 3 снимка",
        "Отозвано 5 снимков",
        "Отозван 21 снимок",
    ]
    assert "<" not in translate("en", "waiting", before=1, wait="about 5 seconds")


@pytest.mark.parametrize(
    ("code", "language"), [("ru", "ru"), ("ru-RU", "ru"), ("uk", "ru"), ("en-GB", "en"), ("de", "en"), (None, "en")]
)
def test_the_language_follows_telegrams_setting(code: str | None, language: str) -> None:
    assert from_language_code(code) == language


shares = st.floats(0, 1)
receipts = st.builds(
    Receipt,
    lesions=st.integers(1, 10**6),
    malignant=st.integers(0, 10**6),
    low=shares,
    high=shares,
    population=st.sampled_from(["dermatoscope", "phone"]),
)
verdicts = st.builds(
    Verdict,
    artefact=st.just("a@1"),
    population=st.sampled_from(["dermatoscope", "phone", UNMEASURED]),
    probability=shares,
    probabilities=st.just({}),
    band=st.sampled_from(Band),
    receipt=st.none() | receipts,
    evidence=st.just(EvidenceMap(rows=1, columns=1, cells=(0,))),
    distance=shares,
    advice=st.lists(st.sampled_from(Advice), unique=True).map(tuple),
    work=st.just(Work(batch=1, wait_s=0, decode_s=0, predict_s=0)),
)
decisions = (
    verdicts
    | st.builds(Refusal, reason=st.sampled_from(RefusalReason))
    | st.builds(Failure, reason=st.sampled_from(FailureReason))
)


@given(decision=decisions, language=st.sampled_from(LANGUAGES))
def test_every_answer_fits_under_a_photograph(decision: Verdict | Refusal | Failure, language: str) -> None:
    plain, _ = parse(rendering.render_answer(decision, language), "HTML")
    assert 0 < utf16(plain) <= CAPTION
    explained, _ = parse(rendering.render_explanation(decision, language), "HTML")
    assert 0 < utf16(explained) <= MESSAGE


@given(verdict=verdicts, language=st.sampled_from(LANGUAGES))
def test_what_was_not_measured_is_never_called_a_probability(verdict: Verdict, language: str) -> None:
    said = rendering.render_answer(verdict, language)
    calibrated = translate(language, "probability", percent="|", words="|").split("|")[0]
    assert (calibrated in said) == (verdict.population != UNMEASURED)
    assert translate(language, "no-diagnosis") in said


@given(share=shares, language=st.sampled_from(LANGUAGES))
def test_words_and_figures_of_a_probability_agree(share: float, language: str) -> None:
    found = [int(number) for number in re.findall(r"\d+", rendering.format_frequency(share, language))]
    if 0.01 <= share <= 0.99:
        count, of = found
        assert abs(count / of - share) <= 0.1 * min(share, 1 - share) + 0.006
    assert rendering.format_percent(share) not in ("0\N{NO-BREAK SPACE}%", "100\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_and_buttons_are_as_short_as_telegram_wants(language: str) -> None:
    for command in list_commands(language):
        assert re.fullmatch(r"[a-z_]{1,32}", command.command)
        assert 1 <= len(command.description) <= 256
    assert len(translate(language, "description")) <= 512
    assert len(translate(language, "short-description")) <= 120
    for row in under_answer(language, "0" * 32):
        for button in row:
            assert len(button.data.encode()) <= 64
    for toast in ("not-yours", "answer-gone", "feedback-thanks"):
        assert len(translate(language, toast)) <= 200
