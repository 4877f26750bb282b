"""Errors of declarations: each names the line that is wrong and says what would be right."""

import ast
import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

_OURS = {str(Path(__file__).with_name(name)) for name in ("declaring.py", "lifecycle.py", "contract.py")}


class DeclarationError(ValueError):
    """A lifecycle is declared wrongly. The message starts with `file:line:`."""


def declaration_error(keyword: str, message: str) -> DeclarationError:
    """An error about the argument `keyword` of the call that is being executed in the user's file."""
    frame = _users_frame()
    if frame is None:
        return DeclarationError(message)
    path, line = Path(frame.f_code.co_filename), frame.f_lineno
    return DeclarationError(f"{_shown(path)}:{_line_of(path, line, keyword)}: {message}")


def contract_error(contract: type, column: str | None, message: str) -> DeclarationError:
    """An error about a contract's column (or the contract itself, where `column` is None)."""
    module = sys.modules.get(contract.__module__)
    path = Path(getattr(module, "__file__", None) or "")
    line = _line_in_class(path, contract.__name__, column)
    return DeclarationError(f"{_shown(path)}:{line}: {message}" if line else message)


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """ "did you mean 'tailnum'? " when something close exists, and all there is."""
    names = sorted(right)
    close = difflib.get_close_matches(wrong, names, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}There are: {', '.join(names)}."


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename in _OURS or frame.f_code.co_filename.startswith("<")
    ):
        frame = frame.f_back
    return frame


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return None


def _line_of(path: Path, line: int, keyword: str) -> int:
    """The line of `keyword=` in the innermost call around `line`; `line` itself where there is none."""
    tree = _tree(path)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    around = [call for call in calls if call.lineno <= line <= (call.end_lineno or call.lineno)]
    for call in sorted(around, key=lambda call: (call.end_lineno or call.lineno) - call.lineno):
        for argument in call.keywords:
            if argument.arg == keyword:
                return argument.value.lineno
    return line


def _line_in_class(path: Path, name: str, column: str | None) -> int | None:
    tree = _tree(path)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == name:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == column:
                    return statement.lineno
            return node.lineno
    return None
