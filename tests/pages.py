"""The pages as the tests read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "derivations").glob("[0-9][0-9]-*.md"))
MATHS = re.compile(r"```math\n(.*?)```", re.DOTALL)
TAG = re.compile(r"\\tag\{([A-Z0-9]+\.[0-9]+)\}")
RESULT = re.compile(r"\*\*Result\..*?```math\n.*?\\tag\{([A-Z0-9]+\.[0-9]+)\}", re.DOTALL)
CODE_TAG = re.compile(r"\(([A-Z]{2,4}\.[0-9]+)\)")


def stem(page: Path) -> str:
    """33-implicit-score-matching.md -> implicit_score_matching"""
    return page.stem[3:].replace("-", "_")


def tags(page: Path) -> list[str]:
    return TAG.findall(page.read_text(encoding="utf-8"))


def results(page: Path) -> list[str]:
    return RESULT.findall(page.read_text(encoding="utf-8"))
