"""Polls the operator's setting overrides every second."""

import asyncio
from typing import Final

from shared.config.overrides import SettingsOverrides
from shared.ledger import admin
from shared.ledger.async_ledger import AsyncLedger

_POLL_INTERVAL_S: Final = 1.0


async def sync_overrides(ledger: AsyncLedger, overrides: SettingsOverrides) -> None:
    """Poll until cancelled."""
    while True:
        overrides.apply(await ledger.run(admin.sync_overrides()))
        await asyncio.sleep(_POLL_INTERVAL_S)
