"""What is done with each kind of update: words for the ledger, nothing else. The loops do the rest."""

from aiogram import Router

from bot.handlers import callbacks, commands, fallback, membership, photos


def routers() -> list[Router]:
    """In the order in which they are asked; `fallback` takes what is left."""
    return [module.make_router() for module in (membership, commands, photos, callbacks, fallback)]
