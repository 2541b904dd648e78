"""``refimpl vectors``: make, export, verify, diff, stats."""

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from refimpl.oracle.operations import chosen, operations
from refimpl.oracle.vectors import diff, export, stats, verify
from refimpl.oracle.vectors.files import data, read, shipped, written

Progress = Callable[[str, int, int], None]


def add(commands: argparse._SubParsersAction, progress: Callable[[str], Progress]) -> None:
    """The subcommands, for the command line's parser. ``progress(verb)`` gives what is told how far a long one is."""
    vectors = commands.add_parser("vectors", help="test vectors for any language: export, verify, diff, stats, make")
    vectors.set_defaults(progress=progress)
    actions = vectors.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("export", help="copy the vectors out")
    action.add_argument("--format", choices=export.FORMATS, default="json", help="json by default")
    action.add_argument("--operation", action="append", metavar="NAME", help="of this one only; may be repeated")
    action.add_argument("--out", type=Path, default=Path("vectors"), metavar="DIR", help="./vectors by default")
    action.set_defaults(run=_export)
    action = actions.add_parser("verify", help="hold a file against its form, its hashes and the reference")
    action.add_argument("files", nargs="*", type=Path, metavar="FILE", help="all that are shipped by default")
    action.set_defaults(run=_verify)
    action = actions.add_parser("diff", help="what to test again, from one release of the vectors to another")
    action.add_argument("old", type=Path, metavar="OLD", help="a file, or a folder of files")
    action.add_argument("new", type=Path, metavar="NEW")
    action.set_defaults(run=_diff)
    action = actions.add_parser("stats", help="cases, mistakes covered, margins")
    action.add_argument(
        "--float32",
        action="store_true",
        help="instead, how far right code is in 32 bits: all is run in JAX, which is needed",
    )
    action.set_defaults(run=_stats)
    action = actions.add_parser("make", help="compute the vectors anew; needs PyTorch and JAX, which certify them")
    action.add_argument("--operation", action="append", metavar="NAME", help="of this one only; may be repeated")
    action.add_argument("--out", type=Path, default=data(), metavar="DIR", help="where the shipped ones are by default")
    action.set_defaults(run=_make)


def _export(options: argparse.Namespace) -> int:
    paths = export.exported(chosen(options.operation), options.format, options.out)
    print(f"{len(paths)} files of vectors are in {options.out}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    """0 if every file is right, else 1."""
    paths, found, progress = options.files or list(shipped().values()), [], options.progress("verifying")
    for path in paths:
        found += verify.problems(path, partial(progress, path.name))
    progress("", 0, 0)
    for problem in found:
        print(problem)
    print(f"{len(paths)} files, {len(found)} problems" if found else f"{len(paths)} files are right")
    return 1 if found else 0


def _diff(options: argparse.Namespace) -> int:
    """0 if nothing is to be tested again, else 1."""
    changes = diff.changes(options.old, options.new)
    for change in changes:
        print(change)
    again = sum(change.test for change in changes)
    print(f"{len(changes)} changes; {again} cases to test again")
    return 1 if again else 0


def _stats(options: argparse.Namespace) -> int:
    if options.float32:
        _needed("jax", "right code is run in 32 bits with")
        print(stats.single_table(_in_single_precision(options.progress("measuring"))))
        return 0
    print(stats.table(read(path) for path in shipped().values()))
    print(
        "\nleast margin: of the mistakes that a case catches, the one that the best case catches worst, in tolerances"
    )
    return 0


def _in_single_precision(progress: Progress) -> Iterator[tuple[str, float, float, float]]:
    files = shipped()
    for done, (name, path) in enumerate(files.items()):
        progress(name, done, len(files))
        yield stats.single_precision(operations()[name], read(path))
    progress("", 0, 0)


def _make(options: argparse.Namespace) -> int:
    for package in ("torch", "jax"):
        _needed(package, "the vectors are certified with")
    from refimpl.oracle.vectors import make

    progress = options.progress("making")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in chosen(options.operation):
        document = make.document(operations()[name], partial(progress, name))
        (options.out / f"{name}.json").write_text(written(document), encoding="utf-8")
    progress("", 0, 0)
    paths = [path for path in sorted(options.out.glob("*.json")) if path.stem in operations()]
    counts = {path.stem: read(path)["number_of_cases"] for path in paths}
    manifest = {"operations": counts, "number_of_cases": sum(counts.values())}
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(f"{len(counts)} files with {sum(counts.values())} cases are in {options.out}")
    return 0


def _needed(package: str, why: str) -> None:
    if find_spec(package) is None:
        raise ValueError(f"{why} {package}: pip install 'refimpl[{package}]'")
