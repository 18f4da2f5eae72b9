"""Handlers of updates. They write to the ledger and send nothing; background tasks do the rest."""

from aiogram import Router

from bot.handlers import callbacks, commands, fallback, membership, photos


def create_routers() -> list[Router]:
    """Return the routers in the order in which aiogram asks them; `fallback` takes every other message."""
    return [module.create_router() for module in (membership, photos, commands, callbacks, fallback)]
