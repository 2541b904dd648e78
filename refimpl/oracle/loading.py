"""A caller's file or module, and what it says of itself."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any


class LoadingError(Exception):
    """The target cannot be loaded; the message says why, in a line."""


def load(target: str) -> ModuleType:
    """The module in a file, or of a dotted name.

    A file's own folder is put on the path first, so that it finds its neighbours.
    Raises LoadingError if there is no such file or module, or if it fails while it is imported.
    """
    path = Path(target)
    dotted = all(part.isidentifier() for part in target.split("."))
    is_file = target.endswith(".py") or path.is_file() or not dotted
    try:
        return _from_file(path) if is_file else _by_name(target)
    except LoadingError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadingError(f"{target} cannot be imported: {_described(error)}") from error


def settings(implementation: Any, **given: Any) -> dict[str, Any]:
    """What an implementation computes with, assumes and is known to fail, as ``check`` takes it: what is given, or else
    what a module says itself, under these names: framework, conventions, expected_failures."""
    said = vars(implementation) if isinstance(implementation, ModuleType) else {}
    names = ("framework", "conventions", "expected_failures")
    chosen = {name: said.get(name) if given.get(name) is None else given[name] for name in names}
    return {**chosen, "framework": chosen["framework"] or "numpy"}


def _from_file(path: Path) -> ModuleType:
    if path.is_dir():
        raise LoadingError(f"{path} is a folder; name a file in it, or a module")
    if not path.is_file():
        raise LoadingError(f"{path} does not exist")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LoadingError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickles look their module up
    spec.loader.exec_module(module)
    return module


def _by_name(name: str) -> ModuleType:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise LoadingError(f"there is neither a file nor a module {name}") from error
        raise


def _described(error: BaseException) -> str:
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename and f.filename != __file__
    ]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        where = f" ({error.filename}:{error.lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
