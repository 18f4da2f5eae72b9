"""Environments that make a process one of another release: they change the contract before any other code runs."""

from pathlib import Path
from typing import Final

from shared.contract.names import CONTRACT_VERSION

PREVIOUS_VERSION: Final = CONTRACT_VERSION - 1
NEXT_VERSION: Final = CONTRACT_VERSION + 1

#: Python runs `sitecustomize.py` before any other code.
_CONTRACT: Final = """
from shared.contract import names
names.CONTRACT_VERSION = {version}
"""

_EXTENDED_VERDICT: Final = """
from typing import Annotated
from pydantic import Field, TypeAdapter
from shared.contract import decision

class Verdict(decision.Verdict):
    second_look: float = 0.5

decision.Verdict = Verdict
decision.Decision = Annotated[Verdict | decision.Refusal | decision.Failure, Field(discriminator="kind")]
decision._DECISION = TypeAdapter(decision.Decision)
"""


def with_contract_version(version: int, home: Path) -> dict[str, str]:
    """Environment of a process with that contract version. `home` must be a directory of its own."""
    return _with_sitecustomize(_CONTRACT.format(version=version), home)


def with_extended_verdicts(home: Path) -> dict[str, str]:
    """Environment of a process whose verdicts have a field that ours lack."""
    return _with_sitecustomize(_EXTENDED_VERDICT, home)


def _with_sitecustomize(code: str, home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    (home / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(home)}
