"""The texts of the shipped languages."""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest
from fluent.syntax import FluentParser, ast

from bot.locales import check_languages, list_languages, translate
from bot.locales.catalog import Catalog, MissingTextError

CODE: Final = "\n".join(path.read_text(encoding="utf-8") for path in Path("bot").rglob("*.py"))


def test_every_language_has_the_same_texts_with_the_same_variables() -> None:
    check_languages()
    assert list_languages() == ("en", *sorted({path.stem for path in Path("bot/locales").glob("*.ftl")} - {"en"}))
    assert {"en", "ru"} <= set(list_languages())


def test_every_text_is_used() -> None:
    resource = FluentParser().parse(Path("bot/locales/en.ftl").read_text(encoding="utf-8"))
    names = [entry.id.name for entry in resource.body if isinstance(entry, ast.Message)]
    is_built = re.compile(r"^(refusal|band|meaning|next|advice|population)-")
    assert [name for name in names if f'"{name}"' not in CODE and not is_built.match(name)] == []


@pytest.mark.parametrize("language", list_languages())
def test_missing_text_or_value_is_an_error(language: str) -> None:
    with pytest.raises(MissingTextError):
        translate(language, "no-such-text")
    with pytest.raises(MissingTextError):
        translate(language, "status-waiting")


def test_plurals_are_those_of_the_language() -> None:
    texts = [translate("ru", "cancelled", photos=count) for count in (1, 3, 5, 21)]
    assert [text.split(".")[0] for text in texts] == [
        "Отозвано и удалено: 1 снимок",
        "Отозвано и удалено: 3 снимка",
        "Отозвано и удалено: 5 снимков",
        "Отозвано и удалено: 21 снимок",
    ]
    assert "<" not in translate("en", "status-waiting", before=1, wait="about 5 seconds")


def test_no_text_says_malignant_where_pre_malignant_lesions_are_meant_too() -> None:
    # An explanation in brackets may stand between the two words.
    alone = {
        "en": re.compile(r"(?<!pre-)malignant(?! (\([^)]*\) )?or pre-malignant)"),
        "ru": re.compile(r"злокачественн\w*\b(?! (\([^)]*\) )?(или|и) предраков)"),
    }
    for language, pattern in alone.items():
        text = Path(f"bot/locales/{language}.ftl").read_text(encoding="utf-8")
        # Names of variables are no text.
        text = re.sub(r"\$\w+", "", text)
        assert [text[max(0, match.start() - 40) : match.end() + 40] for match in pattern.finditer(text)] == []


@pytest.mark.parametrize("language", list_languages())
@pytest.mark.parametrize("name", ["album-status", "album-finished", "rejected-too-fast", "cancelled"])
def test_text_about_one_photograph_differs_from_that_about_several(language: str, name: str) -> None:
    values = {"answered": 0, "wait": "|"}
    one, two, five = (translate(language, name, photos=count, **values) for count in (1, 2, 5))
    assert one.replace("1", "") != two.replace("2", "")
    assert "photographs" not in one
    assert "photograph " not in five


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", "ru"),
        ("ru-RU", "ru"),
        ("uk", "ru"),
        *((code, "ru") for code in ("be", "kk", "ky", "tg", "uz", "hy", "az")),
        ("en-GB", "en"),
        ("de", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_language_follows_telegrams_setting(code: str | None, language: str, tmp_path: Path) -> None:
    # Of English and Russian alone, so that a further language does not change the table.
    for shipped in ("en", "ru"):
        shutil.copy(Path("bot/locales") / f"{shipped}.ftl", tmp_path)
    assert Catalog(tmp_path).match(code) == language
