"""Makes mutants of a Lua script: copies with one small change each, in the order of the text.

It knows as much of Lua as the scripts of Redis need: it reads tokens, not a syntax tree. It changes comparisons, logic,
arithmetic, constants and conditions, and removes calls, assignments and written fields.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from checks.mutants.mutant import Mutant

_TOKEN: Final = re.compile(
    r"(?P<skipped>\s+|--[^\n]*)"
    r"|(?P<string>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>==|~=|<=|>=|\.\.\.?|[-+*/%^#<>=(){}\[\];:,.])",
)

#: First lines of scripts: the flags that Redis reads. Only with `allow-oom` a script runs at Redis' memory limit.
_HEADERS: Final = {"#!lua": "#!lua flags=allow-oom", "#!lua flags=allow-oom": "#!lua"}

#: What each token may become.
_REPLACEMENTS: Final = {
    "==": ("~=",),
    "~=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "and": ("or",),
    "or": ("and",),
    "not": ("",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "true": ("false",),
    "false": ("true",),
    "''": ("'?'",),
    "'0'": ("'1'",),
    "'1'": ("'0'",),
    "'-inf'": ("'+inf'",),
    "'+inf'": ("'-inf'",),
    "'('": ("''",),
    "ceil": ("floor",),
    "floor": ("ceil",),
    "max": ("min",),
    "min": ("max",),
}
#: A constant of this size or more is doubled, a smaller one increased by one.
_LARGE: Final = 10

_LOGIC: Final = frozenset({"==", "~=", "<", "<=", ">", ">=", "and", "or", "not"})
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")

#: After one of these words, or after an operand, a new statement may begin.
_BEFORE_STATEMENT: Final = frozenset({"then", "do", "else", "repeat", ";"})
_CONSTANTS: Final = frozenset({"true", "false", "nil"})
_KEYWORDS: Final = _BEFORE_STATEMENT | {
    *("and", "break", "elseif", "end", "for", "function", "if", "in", "local", "not", "or", "return", "until", "while"),
}

#: Lua 5.1 takes no empty text for a statement.
_EMPTY_STATEMENT: Final = "do end"

#: Commands whose arguments after the key are fields, and how many arguments belong to each field.
_FIELDS: Final = {"'HSET'": 2, "'HDEL'": 1}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def is_operand(self) -> bool:
        """True if an expression may end with this token."""
        if self.kind == "name":
            return self.text not in _KEYWORDS or self.text == "end"
        return self.kind != "operator" or self.text in _CLOSING or self.text == "..."


#: A part of the text, from start to end, and its replacement.
_Edit = tuple[int, int, str]


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of `source`, in the order of the text. Each differs from `source` in one line or more.

    Raises:
        ValueError: `source` holds a character that no token of Lua begins with.
    """
    tokens = _read_tokens(source)
    edits = {
        *_change_header(source),
        *_change_tokens(tokens),
        *_negate_conditions(source, tokens),
        *_remove_parts(tokens),
    }
    seen: Counter[tuple[int, str]] = Counter()
    for start, end, replacement in sorted(edits):
        line = source.count("\n", 0, start) + 1
        old = " ".join(source[start:end].split())
        is_removal = replacement in {"", _EMPTY_STATEMENT}
        description = f"remove `{old}`" if is_removal else f"`{old}` -> `{replacement}`"
        seen[line, description] += 1
        # A line may hold the same token several times.
        count = seen[line, description]
        yield Mutant(
            line=line,
            description=description if count == 1 else f"{description} ({count})",
            source=source[:start] + replacement + source[end:],
        )


def _read_tokens(source: str) -> list[_Token]:
    tokens = []
    # Redis reads the first line if it begins with `#!`.
    position = len(source.partition("\n")[0]) if source.startswith("#!") else 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ValueError(f"no token of Lua begins with {source[position : position + 20]!r}")
        position = match.end()
        if match.lastgroup != "skipped":
            tokens.append(_Token(str(match.lastgroup), match[0], match.start(), match.end()))
    return tokens


def _change_header(source: str) -> Iterator[_Edit]:
    header = source.partition("\n")[0]
    if header in _HEADERS:
        yield 0, len(header), _HEADERS[header]


def _change_tokens(tokens: Sequence[_Token]) -> Iterator[_Edit]:
    for index, token in enumerate(tokens):
        is_unary = token.text == "-" and not (index and tokens[index - 1].is_operand)
        if not is_unary:
            for replacement in _REPLACEMENTS.get(token.text, ()):
                yield token.start, token.end, replacement
        if token.kind == "number":
            # A limit that is larger by one would hardly matter.
            number = float(token.text) if "." in token.text else int(token.text)
            yield token.start, token.end, str(number + 1 if number < _LARGE else number * 2)


def _negate_conditions(source: str, tokens: Sequence[_Token]) -> Iterator[_Edit]:
    """Negate the conditions that hold no comparison and no logic: the others are changed there."""
    for index, token in enumerate(tokens):
        if token.kind == "name" and token.text in {"if", "elseif"}:
            end = next(i for i in range(index, len(tokens)) if tokens[i].text == "then")
            if not any(part.text in _LOGIC for part in tokens[index:end]):
                start, stop = tokens[index + 1].start, tokens[end - 1].end
                yield start, stop, f"not ({source[start:stop]})"


def _remove_parts(tokens: Sequence[_Token]) -> Iterator[_Edit]:
    for index, token in enumerate(tokens):
        if token.text == "call" and tokens[index + 2].text in _FIELDS:
            yield from _remove_fields(tokens, index + 1)
        if not _begins_statement(tokens, index):
            continue
        end = _skip_operand(tokens, index)
        if tokens[end - 1].text == ")":
            yield token.start, tokens[end - 1].end, _EMPTY_STATEMENT
        elif end < len(tokens) and tokens[end].text == "=":
            yield token.start, tokens[_skip_expression(tokens, end + 1) - 1].end, _EMPTY_STATEMENT


def _remove_fields(tokens: Sequence[_Token], opening: int) -> Iterator[_Edit]:
    """Remove each of the fields of a call, if it has several."""
    commas = list(_find_commas(tokens, opening))
    size = _FIELDS[tokens[opening + 1].text]
    # The first comma is before the key, the last entry is the closing bracket.
    starts = commas[1:-1:size]
    if len(starts) > 1:
        for start, end in zip(starts, [*starts[1:], commas[-1]], strict=True):
            yield tokens[start].start, tokens[end].start, ""


def _find_commas(tokens: Sequence[_Token], opening: int) -> Iterator[int]:
    """Yield the positions of the commas between the arguments of a call, then that of the closing bracket."""
    depth = 0
    for index in range(opening, len(tokens)):
        text = tokens[index].text
        depth += (text in _OPENING) - (text in _CLOSING)
        if depth == 0:
            yield index
            return
        if depth == 1 and text == ",":
            yield index


def _begins_statement(tokens: Sequence[_Token], index: int) -> bool:
    """True if a call or an assignment begins here."""
    token = tokens[index]
    if token.kind != "name" or token.text in _KEYWORDS or token.text in _CONSTANTS:
        return False
    if index == 0:
        return True
    before = tokens[index - 1]
    return before.is_operand or before.text in _BEFORE_STATEMENT


def _skip_operand(tokens: Sequence[_Token], index: int) -> int:
    """Return the position after the name at `index` and its brackets and points."""
    index += 1
    while index < len(tokens) and tokens[index].text in {".", "(", "["}:
        index = index + 2 if tokens[index].text == "." else list(_find_commas(tokens, index))[-1] + 1
    return index


def _skip_expression(tokens: Sequence[_Token], index: int) -> int:
    """Return the position after the expressions that begin at `index`."""
    depth = 0
    while index < len(tokens):
        token, before = tokens[index], tokens[index - 1]
        is_new_statement = (token.kind == "name" and token.text not in _LOGIC) and (
            before.is_operand or token.text in _KEYWORDS
        )
        if depth == 0 and (is_new_statement or token.text == ";"):
            return index
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        index += 1
    return index
