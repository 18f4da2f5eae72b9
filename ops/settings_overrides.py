"""Limits that hold for all processes from the next second on."""

from rich.console import Console
from rich.table import Table

from ops.client import AdminClient
from ops.errors import OpsError
from shared.config.overrides import OVERRIDABLE, OverrideError, parse_override
from shared.config.settings import Settings
from shared.ledger import admin


def print_overrides(client: AdminClient, console: Console) -> None:
    """Which limits can be changed, and which are."""
    wanted = client.ledger.run(admin.sync_overrides())
    table = Table("limit", "changed to", "what it is", box=None, pad_edge=False)
    for name in OVERRIDABLE:
        table.add_row(name, wanted.get(name, "-"), Settings.model_fields[name].description)
    console.print(table)


def set_override(client: AdminClient, name: str, value: str) -> str:
    """Let the limit `name` be `value` for all; returns how it is written. Raises `OpsError`."""
    try:
        written = str(parse_override(name, value))
    except OverrideError as error:
        raise OpsError(str(error)) from None
    client.ledger.run(admin.sync_overrides((name, written)))
    return written


def reset_overrides(client: AdminClient, name: str | None) -> list[str]:
    """Let one limit, or each, be that of everyone's settings again; returns which were changed. Raises `OpsError`."""
    wanted = client.ledger.run(admin.sync_overrides())
    if name is not None and name not in OVERRIDABLE:
        raise OpsError(f"there is no limit {name}; there are {', '.join(OVERRIDABLE)}.")
    gone = [one for one in wanted if name in (None, one)]
    client.ledger.run(admin.sync_overrides(*((one, "") for one in gone)))
    return gone
