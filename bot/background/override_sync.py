"""Keeps the bot to the limits that an operator wants."""

import asyncio
from typing import Final

from shared.config.overrides import SettingsOverrides
from shared.ledger import admin
from shared.ledger.async_ledger import AsyncLedger

_EVERY_S: Final = 1.0


async def sync_overrides(ledger: AsyncLedger, limits: SettingsOverrides) -> None:
    """Look again and again, until cancelled."""
    while True:
        limits.apply(await ledger.run(admin.sync_overrides()))
        await asyncio.sleep(_EVERY_S)
