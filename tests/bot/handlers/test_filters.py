"""Filters of handlers."""

from aiogram.dispatcher.event.handler import FilterObject

from bot.handlers import create_routers


def test_no_filter_runs_in_a_thread() -> None:
    filters: list[FilterObject] = [
        filter_
        for router in create_routers()
        for observer in router.observers.values()
        for handler in observer.handlers
        for filter_ in handler.filters or ()
    ]
    assert len(filters) > 10
    assert [filter_.callback for filter_ in filters if not filter_.awaitable] == []
