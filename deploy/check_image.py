"""Imports every module that the commands of an image can reach: `python deploy/check_image.py ROLE`.

Runs while the image is built, with the image's own libraries. `--help` alone misses imports that happen later, such as
those of a library that Celery loads at its first connection.
"""

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

#: Commands of each image.
COMMANDS = {
    "bot": ("melanoma-bot",),
    "gpu": ("melanoma-worker",),
    "local": ("melanoma-local",),
    "ops": ("melanoma-ops", "melanoma-submit"),
    "simulator": ("melanoma-simulator",),
    "worker": ("melanoma-worker",),
}

#: The runtime of each worker's image, which the registry loads by name.
RUNTIMES = {"gpu": "runtimes.jax_predictor", "worker": "runtimes.openvino_predictor"}

#: Modules that are loaded by name, after the name of the module that does so. No import statement names them.
LOADED_BY_NAME = {
    "kombu": ("kombu.transport.redis",),
    "local.flower": ("flower.command", "kombu.transport.redis"),
    "worker.consumer.tasks": ("celery.apps.worker", "celery.concurrency.thread"),
}


def imported_modules(source: str) -> Iterator[str]:
    """Names in the import statements of a module, those inside functions too.

    `from a import b` gives `a` and `a.b`, since `b` can be a module. Imports for type checkers and those in a `try`
    that handles a missing library, are left out.
    """
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
        elif not _may_fail_to_import(node):
            pending.extend(ast.iter_child_nodes(node))


def _may_fail_to_import(node: ast.AST) -> bool:
    """True for a `try` that handles a missing library."""
    return isinstance(node, ast.Try) and any(
        handler.type is not None and re.search("ImportError|ModuleNotFoundError", ast.dump(handler.type))
        for handler in node.handlers
    )


def reachable_modules(start: list[str], own: set[str]) -> list[str]:
    """Modules that can be imported from `start`. Only those of the packages `own` are followed further."""
    found: dict[str, None] = {}
    pending = list(start)
    while pending:
        name = pending.pop()
        if name in found or not _is_module(name):
            continue
        found[name] = None
        pending.extend(LOADED_BY_NAME.get(name, ()))
        if name.partition(".")[0] in own:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.origin is not None:
                pending.extend(imported_modules(Path(spec.origin).read_text(encoding="utf-8")))
    return sorted(found)


def _is_module(name: str) -> bool:
    """False for a class or function that `from module import name` named."""
    package, _, _ = name.rpartition(".")
    if not package:
        return True  # A missing library is reported by its import.
    if not _is_module(package):
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        # The parent is a plain module, or is missing. A missing one is on the list itself.
        return False


def main(role: str) -> int:
    """Import everything. Returns 1, after a line for each module that cannot be imported."""
    commands = {command.name: command for command in entry_points(group="console_scripts")}
    own = {command.value.partition(".")[0] for name, command in commands.items() if name.startswith("melanoma-")}
    own |= {"runtimes", "samples", "shared"}
    start = [commands[name].module for name in COMMANDS[role]]
    start += [RUNTIMES[role]] if role in RUNTIMES else []
    modules = reachable_modules(start, own)
    failed = 0
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed += 1
            print(f"image {role}: {name} cannot be imported: {error}", file=sys.stderr)
    print(f"image {role}: {len(modules)} modules that {', '.join(COMMANDS[role])} can reach, {failed} of them missing")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
