"""Reads the language files (Fluent, one file a language), checks that they are complete, and translates."""

import re
from collections.abc import Set
from functools import cached_property
from pathlib import Path
from typing import Final

from fluent.runtime import FluentBundle
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

#: Language of users whose own language has no file. Its file defines which texts every file must have.
DEFAULT_LANGUAGE: Final = "en"

#: Term of a language file: codes of other languages whose users get this one, separated by spaces.
_ALSO_FOR: Final = "also-for"

#: Telegram takes descriptions and commands by ISO 639-1 code.
_CODE: Final = re.compile(r"[a-z]{2}")


class LanguageError(Exception):
    """Raised when a language file is incomplete or cannot be read. The message is one sentence."""


class MissingTextError(Exception):
    """Raised when a text or one of its values is missing: a mistake in the code, which the tests look for."""


class Catalog:
    """The texts of all languages that have a file `xx.ftl` in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bundles: dict[str, FluentBundle] = {}

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages by the names of their files, the default first."""
        others = {path.stem for path in self._folder.glob("*.ftl")} - {DEFAULT_LANGUAGE}
        return (DEFAULT_LANGUAGE, *sorted(others))

    def match(self, code: str | None) -> str:
        """Return the language for Telegram's `language_code`, an IETF tag like `pt-br` or None."""
        prefix = (code or "").split("-")[0].lower()
        return prefix if prefix in self.languages else self._also_for.get(prefix, DEFAULT_LANGUAGE)

    def translate(self, language: str, name: str, /, **values: object) -> str:
        """Return a text; of the default language where there is no such language. Raises `MissingTextError`."""
        bundle = self._get_bundle(language if language in self.languages else DEFAULT_LANGUAGE)
        if not bundle.has_message(name):
            raise MissingTextError(f"there is no text {name!r} in {language}")
        message = bundle.get_message(name)
        assert message.value is not None  # noqa: S101 - Fluent's messages without attributes have a value
        text, errors = bundle.format_pattern(message.value, values)
        if errors:
            raise MissingTextError(f"{name!r} in {language}: {errors[0]}")
        return str(text)

    def check(self) -> None:
        """Check that every language has the same texts with the same variables. Raises `LanguageError`."""
        expected = self._read_variables(DEFAULT_LANGUAGE)
        for language in self.languages:
            if not _CODE.fullmatch(language):
                raise LanguageError(f"{language}.ftl is not named by a code of two letters.")
            texts = self._read_variables(language)
            if missing := expected.keys() - texts.keys():
                raise LanguageError(f"{language}.ftl lacks texts that {DEFAULT_LANGUAGE}.ftl has: {_list(missing)}.")
            if unknown := texts.keys() - expected.keys():
                raise LanguageError(f"{language}.ftl has texts that {DEFAULT_LANGUAGE}.ftl lacks: {_list(unknown)}.")
            for name, variables in texts.items():
                if variables != expected[name]:
                    raise LanguageError(
                        f"the text {name} in {language}.ftl has the variables {_list(variables)}, but"
                        f" {_list(expected[name])} in {DEFAULT_LANGUAGE}.ftl."
                    )

    @cached_property
    def _also_for(self) -> dict[str, str]:
        return {
            code: language
            for language in self.languages
            for entry in self._parse(language).body
            if isinstance(entry, ast.Term) and entry.id.name == _ALSO_FOR
            for element in entry.value.elements
            if isinstance(element, ast.TextElement)
            for code in element.value.split()
        }

    def _get_bundle(self, language: str) -> FluentBundle:
        bundle = self._bundles.get(language)
        if bundle is None:
            # Isolation marks are for right-to-left scripts, and Telegram would count them.
            bundle = self._bundles[language] = FluentBundle([language], use_isolating=False)
            bundle.add_resource(self._parse(language))
        return bundle

    def _read_variables(self, language: str) -> dict[str, frozenset[str]]:
        """Return the variables of each text. Raises `LanguageError`."""
        texts = {}
        for entry in self._parse(language).body:
            if isinstance(entry, ast.Junk):
                line = (entry.content or "").strip().partition("\n")[0]
                raise LanguageError(f"{language}.ftl cannot be read at {line!r}.")
            if isinstance(entry, ast.Message) and entry.value is not None:
                visitor = _VariableVisitor()
                visitor.visit(entry)
                texts[entry.id.name] = frozenset(visitor.names)
        return texts

    def _parse(self, language: str) -> ast.Resource:
        return FluentParser().parse((self._folder / f"{language}.ftl").read_text(encoding="utf-8"))


class _VariableVisitor(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - fluent.syntax asks for it
        self.names.add(node.id.name)


def _list(names: Set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
