"""Processes of another release: ours, with another contract from the first line that they run."""

from pathlib import Path
from typing import Final

from shared.contract.names import CONTRACT_VERSION

BEFORE: Final = CONTRACT_VERSION - 1
NEXT: Final = CONTRACT_VERSION + 1

#: Python runs a `sitecustomize.py` that it finds before anything else.
_CONTRACT: Final = """
from shared.contract import names
names.CONTRACT_VERSION = {version}
"""

_RICHER_VERDICT: Final = """
from typing import Annotated
from pydantic import Field, TypeAdapter
from shared.contract import decision

class Verdict(decision.Verdict):
    second_look: float = 0.5

decision.Verdict = Verdict
decision.Decision = Annotated[Verdict | decision.Refusal | decision.Failure, Field(discriminator="kind")]
decision._DECISION = TypeAdapter(decision.Decision)
"""


def of_contract(version: int, home: Path) -> dict[str, str]:
    """Environment of a process that speaks that version of the contract. `home` is a directory for it alone."""
    return _begin_with(_CONTRACT.format(version=version), home)


def with_richer_verdicts(home: Path) -> dict[str, str]:
    """Environment of a process whose verdicts have a field that ours do not know."""
    return _begin_with(_RICHER_VERDICT, home)


def _begin_with(code: str, home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    (home / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(home)}
