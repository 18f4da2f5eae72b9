"""A pytest plugin: tests that share a fixture of their module run in one process, and the longest kinds of tests first.

`make test` distributes single tests. Without a group, a fixture of a module is made in each process.
"""

from typing import Any, Final

import pytest
from _pytest.nodeid import NodeId

#: The longest kinds of tests first. Last, they would leave one process with much to do and the others with nothing.
_LONGEST_FIRST: Final = ("long", "system", "slow")


# Before xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests by kind, and group those that share a fixture."""
    for item in items:
        if _shares_a_fixture(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=_rank)
    if getattr(config.option, "loadgroup", False):
        for item in items:
            _append_group(item)


def _append_group(item: pytest.Item) -> None:
    """Append the group of a test to its id, where xdist's scheduler looks for it.

    xdist 3.8 appends it to an attribute that pytest 9.2 does not read, and groups nothing (pytest-xdist, issue 1386).
    """
    for mark in item.iter_markers("xdist_group"):
        item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")


def _rank(item: pytest.Item) -> int:
    return next(
        (rank for rank, kind in enumerate(_LONGEST_FIRST) if item.get_closest_marker(kind)), len(_LONGEST_FIRST)
    )


def _shares_a_fixture(item: Any) -> bool:
    if any(item.iter_markers("xdist_group")):
        return False
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return any(definition[-1].scope in ("module", "package") for definition in definitions)
