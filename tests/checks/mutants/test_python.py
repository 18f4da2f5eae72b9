"""Each mutant of a module has one change, and the changes are those that a careless developer makes."""

import ast
from pathlib import Path

import pytest

from checks.mutants.python import mutants

MODULES = ["shared/model/decision_rules.py", "worker/consumer/task_handler.py", "bot/telegram/rate_limiter.py"]


def descriptions(source: str) -> list[str]:
    return [mutant.description for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b <= c", ["`<` -> `<=`", "`<=` -> `<`"]),
        ("(a) is not (b)", ["`is not` -> `is`"]),
        ("a not in b", ["`not in` -> `in`"]),
        ("a and b and c", ["`and` -> `or`", "`and` -> `or` (2)"]),
        ("x = not a", ["not removed"]),
        ("a + b * c", ["`+` -> `-`", "`*` -> `/`"]),
        ("a[0], True, 0.5", ["`0` -> `1`", "`True` -> `False`", "`0.5` -> `1.5`"]),
        ("a.b += c", ["assignment removed", "`+=` -> `-=`"]),
        ("if a.b: c()", ["condition negated", "call removed"]),
        ("[a for a in b if a > c]", ["condition negated", "`>` -> `>=`"]),
        ("x = min(a)", ["`min` -> `max`"]),
        ("x = f(a, b=c)", ["argument b removed"]),
        ("raise A", ["raise removed"]),
        ("for a in b:\n    break", ["`break` -> `continue`"]),
        ("def f():\n    return a", ["return value -> `None`"]),
        ("async def f():\n    await a", ["call removed"]),
    ],
)
def test_mutants_change_what_a_developer_may_get_wrong(source: str, expected: list[str]) -> None:
    assert descriptions(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT_S: Final = 2 * 3.0",
        "Job = tuple[str, int | None]",
        "def f(a: int | None) -> Literal[1]: ...",
        "@decorated(1, a=True)\ndef f(): ...",
        "_log.info('a', b=1)",
        "self._log.bind(a=1).warning('a')",
        "'''A text.'''",
        "class A:\n    def __init__(self, b):\n        self._b = b",
    ],
)
def test_choices_types_and_logs_are_left_alone(source: str) -> None:
    assert descriptions(source) == []


@pytest.mark.parametrize("module", MODULES)
def test_each_mutant_differs_from_our_module_in_the_named_line(module: str) -> None:
    source = Path(module).read_text()
    found = list(mutants(source))
    assert len(found) > 20
    for mutant in found:
        before, after = source.splitlines(), mutant.source.splitlines()
        changed = next(line for line, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new)
        assert changed == mutant.line
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source)), mutant.description


def test_text_beside_an_operator_is_kept() -> None:
    (mutant,) = mutants("x = (\n    ä\n    < b  # a < b\n)\n")
    assert mutant.source == "x = (\n    ä\n    <= b  # a < b\n)\n"
