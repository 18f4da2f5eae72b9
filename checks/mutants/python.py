"""Makes mutants of a Python module: copies with one small change each, in the order of the text.

Left alone are annotations, decorators, texts, calls of a logger, and constants in capitals at the top of a module.
Those are chosen values such as time-outs: another value is another choice, not a fault.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

from checks.mutants.mutant import Mutant

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}

_OPERATORS: Final[dict[type[ast.operator], tuple[str, str]]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.Pow: ("**", "*"),
}

_FUNCTIONS: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}

_LOGGERS: Final = frozenset({"log", "_log", "logger", "_logger", "logging"})


@dataclass(frozen=True, slots=True)
class _Edit:
    """A part of the source, as offsets in bytes, and the text that replaces it."""

    start: int
    end: int
    text: str
    description: str


def mutants(source: str) -> Iterator[Mutant]:
    """Mutants of a module in the order of its lines. Each can be compiled.

    Raises:
        SyntaxError: The module is no Python.
    """
    module = _Module(source)
    edits = {(edit.start, edit.end, edit.text): edit for edit in module.edits()}
    seen: Counter[tuple[int, str]] = Counter()
    for edit in sorted(edits.values(), key=lambda edit: (edit.start, edit.end, edit.text)):
        changed = (module.data[: edit.start] + edit.text.encode() + module.data[edit.end :]).decode()
        try:
            compile(changed, "<mutant>", "exec")
        except SyntaxError:
            continue
        line = module.data.count(b"\n", 0, edit.start) + 1
        seen[line, edit.description] += 1
        # A line may hold the same operator several times.
        count = seen[line, edit.description]
        yield Mutant(line, edit.description if count == 1 else f"{edit.description} ({count})", changed)


class _Module:
    """A parsed module that knows the byte offsets of its nodes."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self._tree = ast.parse(source)
        self._line_starts = [0, *(match.end() for match in re.finditer(rb"\n", self.data))]

    def edits(self) -> Iterator[_Edit]:
        """All changes, some of them twice."""
        for node in self._nodes(self._tree):
            yield from self._operation(node)
            yield from self._conditions(node)
            match node:
                case ast.Constant(value=bool() as value):
                    yield self._replace(node, str(not value), f"`{value}` -> `{not value}`")
                case ast.Constant(value=int() | float() as number):
                    yield self._replace(node, str(number + 1), f"`{self._text(node)}` -> `{number + 1}`")
                case ast.Call():
                    yield from self._call(node)
                case ast.stmt():
                    yield from self._statement(node)

    def _nodes(self, node: ast.AST) -> Iterator[ast.AST]:
        """Nodes below `node` that are worth a change."""
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not (_is_log_call(child) or _is_left_alone(node, child)):
                    yield child
                    yield from self._nodes(child)

    def _operation(self, node: ast.AST) -> Iterator[_Edit]:
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
                for left, operator, right in zip(operands, node.ops, node.comparators, strict=False):
                    yield from self._between(left, right, *_COMPARISONS[type(operator)])
            case ast.BoolOp():
                old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in pairwise(node.values):
                    yield from self._between(left, right, old, new)
            case ast.UnaryOp(op=ast.Not()):
                yield self._replace(node, f"({self._text(node.operand)})", "not removed")
            case ast.BinOp() if type(node.op) in _OPERATORS:
                old, new = _OPERATORS[type(node.op)]
                yield from self._between(node.left, node.right, re.escape(old), new)
            case ast.AugAssign() if type(node.op) in _OPERATORS:
                old, new = _OPERATORS[type(node.op)]
                yield from self._between(node.target, node.value, re.escape(f"{old}="), f"{new}=")

    def _conditions(self, node: ast.AST) -> Iterator[_Edit]:
        """Negations of conditions whose operator has no opposite among the changes."""
        conditions: list[ast.expr] = []
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            conditions = [node.test]
        elif isinstance(node, ast.comprehension):
            conditions = node.ifs
        for condition in conditions:
            if isinstance(condition, ast.Compare) and isinstance(
                condition.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.IsNot | ast.In | ast.NotIn
            ):
                continue
            if not isinstance(condition, ast.UnaryOp | ast.Constant):
                yield self._replace(condition, f"(not ({self._text(condition)}))", "condition negated")

    def _call(self, node: ast.Call) -> Iterator[_Edit]:
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            new = _FUNCTIONS[node.func.id]
            yield self._replace(node.func, new, f"`{node.func.id}` -> `{new}`")
        arguments: list[ast.AST] = [*node.args, *node.keywords]
        for keyword in node.keywords:
            if keyword.arg is None:
                continue
            index = arguments.index(keyword)
            before: ast.AST | None = arguments[index - 1] if index else None
            start = self._end(before) if before else self._start(keyword)
            yield _Edit(start, self._end(keyword), "", f"argument {keyword.arg} removed")

    def _statement(self, node: ast.stmt) -> Iterator[_Edit]:
        match node:
            case ast.Expr(value=ast.Call() | ast.Await()):
                yield self._replace(node, "pass", "call removed")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign():
                yield self._replace(node, "pass", "assignment removed")
            case ast.Raise():
                yield self._replace(node, "pass", "raise removed")
            case ast.Delete():
                yield self._replace(node, "pass", "del removed")
            case ast.Break():
                yield self._replace(node, "continue", "`break` -> `continue`")
            case ast.Continue():
                yield self._replace(node, "break", "`continue` -> `break`")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield self._replace(value, "None", "return value -> `None`")

    def _between(self, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[_Edit]:
        """Replace an operator between two nodes. There may be brackets and comments beside it."""
        gap = self._end(left)
        words = rf"\b{old}\b" if old[0].isalpha() else old
        found = re.search(words.encode(), self.data[gap : self._start(right)])
        if found:
            shown = re.sub(r"\\s\+", " ", old).replace("\\", "")
            yield _Edit(gap + found.start(), gap + found.end(), new, f"`{shown}` -> `{new}`")

    def _replace(self, node: ast.AST, text: str, description: str) -> _Edit:
        return _Edit(self._start(node), self._end(node), text, description)

    def _text(self, node: ast.AST) -> str:
        return self.data[self._start(node) : self._end(node)].decode()

    def _start(self, node: ast.AST) -> int:
        return self._line_starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined, no-any-return]

    def _end(self, node: ast.AST) -> int:
        return self._line_starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined, no-any-return]


def _is_left_alone(parent: ast.AST, child: ast.AST) -> bool:
    """Chosen values and types at the top of a module, and the parameters that a constructor keeps."""
    if isinstance(parent, ast.Module) and isinstance(child, ast.Assign | ast.AnnAssign):
        targets = child.targets if isinstance(child, ast.Assign) else [child.target]
        is_choice = all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)
        return is_choice or isinstance(child.value, ast.Subscript | ast.BinOp)
    is_kept_parameter = isinstance(child, ast.Assign) and isinstance(child.value, ast.Name)
    return is_kept_parameter and isinstance(parent, ast.FunctionDef) and parent.name == "__init__"


def _is_log_call(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    names = chain.from_iterable(
        [name.id] if isinstance(name, ast.Name) else [name.attr] if isinstance(name, ast.Attribute) else []
        for name in ast.walk(node.value.func)
    )
    return not _LOGGERS.isdisjoint(names)
