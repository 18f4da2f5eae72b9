"""Tests of `tests.bulk.command_process`."""

from importlib import import_module

from tests.bulk.command_process import PRELOADED


def test_modules_of_the_fork_server_exist() -> None:
    for module in PRELOADED:
        import_module(module)
