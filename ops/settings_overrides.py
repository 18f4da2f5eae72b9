"""Shows, sets and resets setting overrides, which all bots and workers apply within a second."""

from rich.console import Console
from rich.table import Table

from ops.client import AdminClient, OpsError
from shared.config.overrides import OVERRIDABLE, OverrideError, parse_override
from shared.config.settings import Settings
from shared.ledger import admin


def print_overrides(client: AdminClient, console: Console) -> None:
    """Print a table of the settings that can be overridden, with their overrides or else their values here."""
    overrides = client.ledger.run(admin.sync_overrides())
    table = Table("limit", "value", "set by", "what it is", box=None, pad_edge=False)
    for name in OVERRIDABLE:
        value, origin = (overrides[name], "limits") if name in overrides else (getattr(client.config, name), "settings")
        table.add_row(name, str(value), origin, Settings.model_fields[name].description)
    console.print(table)
    console.print("Values set by settings are those of this command; bots and workers have their own.")


def set_override(client: AdminClient, name: str, value: str) -> str:
    """Override a setting for all processes; returns the value as it is stored. Raises `OpsError`."""
    try:
        stored = str(parse_override(name, value))
    except OverrideError as error:
        raise OpsError(str(error)) from None
    client.ledger.run(admin.sync_overrides((name, stored)))
    return stored


def reset_overrides(client: AdminClient, name: str | None) -> list[str]:
    """Remove the override of one setting, or all for None; returns the names that had one. Raises `OpsError`."""
    overrides = client.ledger.run(admin.sync_overrides())
    if name is not None and name not in OVERRIDABLE:
        raise OpsError(f"there is no limit {name}; there are {', '.join(OVERRIDABLE)}.")
    removed = [item for item in overrides if name in (None, item)]
    client.ledger.run(admin.sync_overrides(*((item, "") for item in removed)))
    return removed
