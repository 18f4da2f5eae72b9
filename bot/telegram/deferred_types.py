"""Import of aiogram that builds each of Telegram's types at its first use.

aiogram declares its types with pydantic's `defer_build`, but then builds all 450 of them while it is imported. That is
more than half of the bot's start, and the bot uses some 50 of them.
"""

import importlib
import sys
from typing import Any

from pydantic import BaseModel


def import_aiogram() -> None:
    """Import aiogram without building its types. Without effect if aiogram has already been imported."""
    if "aiogram" in sys.modules:
        return
    names: dict[str, Any] = {}
    deferred: list[type[BaseModel]] = []

    # Stands for `BaseModel.model_rebuild` during the import only. aiogram gives it the names that annotations refer to.
    def defer(cls: type[BaseModel], *, _types_namespace: dict[str, Any], **_: Any) -> None:
        names.update(_types_namespace)
        deferred.append(cls)

    rebuild = BaseModel.__dict__["model_rebuild"]
    BaseModel.model_rebuild = classmethod(defer)  # type: ignore[assignment,method-assign,arg-type]
    try:
        importlib.import_module("aiogram")
    finally:
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]
    # At a type's first use pydantic looks these names up in the module of the type. There, aiogram imports most of them
    # for type checkers only.
    for module in {sys.modules[model.__module__] for model in deferred}:
        vars(module).update(names | vars(module))
