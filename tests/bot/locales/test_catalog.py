"""Adding one language file adds a language. An incomplete file stops the bot with one sentence."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from aiogram.types import CallbackQuery, Chat, Message, User

from bot import cli, locales
from bot.handlers import callbacks, commands
from bot.locales.catalog import Catalog, LanguageError
from bot.presentation import keyboards
from bot.presentation.button_data import ChooseLanguage
from bot.storage.messages.outgoing_message import OutgoingMessage

FOLDER: Final = Path("bot/locales")


class Messages:
    """Keeps the enqueued messages."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []

    async def enqueue(self, message: OutgoingMessage, *_: str) -> None:
        self.messages.append(message)


class Users:
    """Remembers the language of one user."""

    def __init__(self) -> None:
        self.chosen: str | None = None

    async def get_language(self, _: int, language_code: str | None) -> str:
        return self.chosen or locales.match_language(language_code)

    async def set_language(self, _: int, language: str) -> None:
        self.chosen = language


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """English, Russian and a toy language `eo`, as if someone had added `bot/locales/eo.ftl`."""
    for code in ("en", "ru"):
        shutil.copy(FOLDER / f"{code}.ftl", tmp_path)
    text = (tmp_path / "en.ftl").read_text(encoding="utf-8")
    toy = text.replace("language-name = English", "language-name = Esperanto")
    toy = toy.replace("I will write in English from now on.", "Mi skribos en Esperanto.")
    (tmp_path / "eo.ftl").write_text(toy, encoding="utf-8")
    monkeypatch.setattr(locales, "_catalog", Catalog(tmp_path))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_added_language_is_offered_and_can_be_chosen(folder: Path) -> None:
    locales.check_languages()
    assert locales.list_languages() == ("en", "eo", "ru")
    user = User(id=7, is_bot=False, first_name="A", language_code="eo")
    chat = Chat(id=7, type="private")
    message = Message(message_id=1, date=0, chat=chat, from_user=user)  # type: ignore[arg-type] # a time as Telegram's
    query = CallbackQuery(id="1", from_user=user, chat_instance="1", message=message, data="language:eo")
    messenger, users = Messages(), Users()

    async def scenario() -> None:
        take: Any = commands._language
        await take(message, messenger, users)
        press: Any = callbacks._choose_language
        await press(query, ChooseLanguage.unpack("language:eo"), messenger, users)

    asyncio.run(scenario())
    question, _, confirmation = messenger.messages
    buttons = {button.text: button.data for row in question.keyboard for button in row}
    assert buttons == {"English": "language:en", "Esperanto": "language:eo", "Русский": "language:ru"}
    assert users.chosen == "eo"
    assert confirmation.text == "Mi skribos en Esperanto."


def test_users_get_an_added_language_by_their_setting(folder: Path) -> None:
    assert [locales.match_language(code) for code in ("eo", "eo-XX", "uk")] == ["eo", "eo", "ru"]
    # A file of its own goes before a file that claims the code.
    shutil.copy(folder / "eo.ftl", folder / "uk.ftl")
    assert Catalog(folder).match("uk-UA") == "uk"


def test_keyboard_of_many_languages_has_several_rows(folder: Path) -> None:
    for code in ("aa", "bb"):
        shutil.copy(folder / "eo.ftl", folder / f"{code}.ftl")
    assert [len(row) for row in keyboards.languages()] == [3, 2]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("language-name = Esperanto\n", "", "eo.ftl lacks texts that en.ftl has: language-name."),
        ("check-hint =", "chek-hint =", "eo.ftl lacks texts that en.ftl has: check-hint."),
        ("check-hint =", "more = x\ncheck-hint =", "eo.ftl has texts that en.ftl lacks: more."),
        (
            "If you send a photograph again, I will ask for your consent again.",
            "{ $wait }",
            "the text delete-done in eo.ftl has the variables wait, but none in en.ftl.",
        ),
        ("check-hint =", "check-hint", "eo.ftl cannot be read at 'check-hint Please send /check as a reply"),
    ],
)
def test_incomplete_language_stops_the_bot_with_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str
) -> None:
    edit(folder / "eo.ftl", old, new)
    monkeypatch.setattr(sys, "argv", ["melanoma-bot"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == cli.EXIT_MISCONFIGURED
    error = capsys.readouterr().err
    assert error.startswith(f"melanoma-bot: {sentence}")
    assert error.count("\n") == 1


def test_file_name_must_be_a_code_that_telegram_knows(folder: Path) -> None:
    shutil.copy(folder / "eo.ftl", folder / "esperanto.ftl")
    with pytest.raises(LanguageError, match=r"^esperanto.ftl is not named by a code of two letters\.$"):
        Catalog(folder).check()
