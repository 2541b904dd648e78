"""The pages, the code and the checks bear the same tags, and every tagged step holds for drawn instances."""

import re

import pytest
from hypothesis import given, settings
from instances import instances
from pages import CODE_TAG, MATHS, PAGES, ROOT, results, stem, tags

from refimpl.checks import STEMS, all_checks

CHECKED = {check.tag: check for check in all_checks()}
CODE = [path for path in sorted((ROOT / "refimpl").rglob("*.py")) if "checks" not in path.parts]
# Checks, cases, operations and mistakes bear the stem of the module that they are about.
MODULES = {path.stem: path for path in CODE if not {"cases", "operations", "mistakes"} & set(path.parts)}
in_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: f"{check.tag}-{check.name}")
@settings(max_examples=5)
@given(instance=instances())
def test_step_holds(check, instance):
    residual = check.function(instance)
    assert residual.ok, (
        f"({check.tag}) {check.name}: the two sides are {residual.gap:.3g} apart, bound {residual.bound:.3g}"
    )


@in_pages
def test_every_displayed_equation_has_a_tag_of_its_own(page):
    blocks = MATHS.findall(page.read_text(encoding="utf-8"))
    assert [block for block in blocks if len(re.findall(r"\\tag\{", block)) != 1] == []
    assert len(set(tags(page))) == len(tags(page))


@in_pages
def test_tags_count_up_from_one(page):
    prefix = tags(page)[0].split(".")[0]
    assert tags(page) == [f"{prefix}.{n}" for n in range(1, len(tags(page)) + 1)]


@in_pages
def test_every_tag_has_its_check(page):
    assert [tag for tag in tags(page) if tag not in CHECKED] == []


@in_pages
def test_every_check_of_the_page_has_its_tag(page):
    assert [check.tag for check in all_checks() if check.stem == stem(page) and check.tag not in tags(page)] == []


@in_pages
def test_every_result_is_in_the_code(page):
    if stem(page) in MODULES:
        code = re.findall(r"# .*", MODULES[stem(page)].read_text(encoding="utf-8"))
        assert [tag for tag in results(page) if not any(f"({tag})" in comment for comment in code)] == []


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_tag_in_the_code_stands_in_a_page(module):
    known = {tag for page in PAGES for tag in tags(page)}
    assert [tag for tag in CODE_TAG.findall(module.read_text(encoding="utf-8")) if tag not in known] == []


def test_every_page_is_listed_among_the_checks():
    assert sorted(STEMS) == sorted(stem(page) for page in PAGES)
