"""Each mutant of a script is a script with one change, and the changes are those that a careless developer makes."""

from pathlib import Path

import pytest
from redis import Redis

from checks.mutants.coverage_map import CoverageMap
from checks.mutants.lua import mutants
from shared.ledger.script_call import script_source

SCRIPTS = sorted(path for package in ("shared", "bot") for path in Path(package).rglob("*.lua"))


def descriptions(source: str) -> list[str]:
    return [mutant.description for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("return a < b", ["`<` -> `<=`", "`<` -> `>=`"]),
        ("return a == b", ["`==` -> `~=`"]),
        ("return a and not b", ["`and` -> `or`", "remove `not`"]),
        ("return a - -b", ["`-` -> `+`"]),
        ("return 1, 0.5, 60000", ["`1` -> `2`", "`0.5` -> `1.5`", "`60000` -> `120000`"]),
        ("return 'a name', '', '-inf'", ["`''` -> `'?'`", "`'-inf'` -> `'+inf'`"]),
        ("return math.max(a, b)", ["`max` -> `min`"]),
        ("if found then f() end", ["`found` -> `not (found)`", "remove `f()`"]),
        ("local a = f(b)\na = b\nc(a)", ["remove `a = b`", "remove `c(a)`"]),
        ("a[#a] = {b, c[d]} return a", ["remove `a[#a] = {b, c[d]}`"]),
        ("-- 1 < 2", []),
    ],
)
def test_mutants_change_what_a_developer_may_get_wrong(source: str, expected: list[str]) -> None:
    assert descriptions(source) == expected


def test_mutants_lose_each_written_field() -> None:
    assert descriptions("redis.call('HSET', key(id), 'a', f(b, c), 'd', e)") == [
        "remove `redis.call('HSET', key(id), 'a', f(b, c), 'd', e)`",
        "remove `, 'a', f(b, c)`",
        "remove `, 'd', e`",
    ]
    assert descriptions("redis.call('HDEL', key, 'a', 'b')")[1:] == ["remove `, 'a'`", "remove `, 'b'`"]
    assert len(descriptions("redis.call('HDEL', key, 'a')")) == 1, "without its only field the call is no call"


def test_a_mutant_names_its_line_and_differs_there() -> None:
    source = "local a = b\n-- b\nreturn a + a + c\n"
    first, second = mutants(source)
    assert (first.line, first.description, first.source) == (3, "`+` -> `-`", "local a = b\n-- b\nreturn a - a + c\n")
    assert (second.line, second.description, second.source) == (
        3,
        "`+` -> `-` (2)",
        "local a = b\n-- b\nreturn a + a - c\n",
    )


def test_mutants_change_whether_a_script_may_run_in_a_full_redis() -> None:
    assert next(mutants("#!lua\nf()")).source == "#!lua flags=allow-oom\nf()"
    assert next(mutants("#!lua flags=allow-oom\nf()")).source == "#!lua\nf()"


def test_tests_of_a_script_of_the_ledger_are_found_behind_its_prelude() -> None:
    coverage = CoverageMap({"test": 0.1}, [], {}, {script_source("claim"): ["test"]}, [])
    folder = Path("shared/ledger/scripts")
    for name, tests in (("claim.lua", ["test"]), ("_prelude.lua", ["test"]), ("release.lua", [])):
        assert coverage.tests_of(folder / name, (folder / name).read_text(), 3) == tests


def test_mutants_refuse_what_is_not_lua() -> None:
    with pytest.raises(ValueError, match="begins with '!'"):
        next(mutants("return !"))


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_each_mutant_of_our_scripts_is_another_valid_script(path: Path, redis_url: str) -> None:
    source = path.read_text(encoding="utf-8")
    made = list(mutants(source))
    assert len({mutant.source for mutant in made} | {source}) == len(made) + 1
    assert len({(mutant.line, mutant.description) for mutant in made}) == len(made)
    with Redis.from_url(redis_url) as client:
        for mutant in made:
            client.script_load(mutant.source)
