"""The report as a page: well-formed, complete, and deaf to what is written in a message or a name."""

import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import autograd.numpy as np
import pytest

from refimpl import check, operations
from refimpl.cli import main
from refimpl.examples import mistaken, right
from refimpl.oracle.html import page
from refimpl.oracle.report import Compared, Report, Row
from refimpl.oracle.text import summary

REFERENCE = {name: operation.reference for name, operation in operations().items()}
HOSTILE = """<script>alert('1')</script> & "quoted" </details></td>"""
VOID = {"meta"}


class Balanced(HTMLParser):
    """Tags that close in the order in which they were opened; what is text, and every attribute."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def raising(score, x, z, sigma):
    raise RuntimeError(HOSTILE)


def refusing(score, x):
    raise NotImplementedError(HOSTILE)


IMPLEMENTATION = {
    "denoising_score_matching": raising,
    "implicit_score_matching": refusing,
    "sliced_score_matching": lambda score, x, v: np.ones((7, 7)),
    "explicit_score_matching": lambda score, data_score, x: np.sum((score(x) - data_score(x)) ** 2),
    "langevin": lambda score, x, z, step: REFERENCE["langevin"](score, x, z, 3.0 * step),
    "gaussian_score": lambda mean, covariance, x: -REFERENCE["gaussian_score"](mean, covariance, x),
    "gaussian_mixture_score": lambda w, m, c, x: 1.3 * REFERENCE["gaussian_mixture_score"](w, m, c, x),
    "tweedie": REFERENCE["tweedie"],
    "mala_step": REFERENCE["mala_step"],
}


@pytest.fixture(scope="module")
def report():
    """Everything that can be the matter, under a hostile name."""
    expected = {"gaussian_mixture_score": HOSTILE, "tweedie": "it was"}
    return replace(check(IMPLEMENTATION, expected_failures=expected), title=HOSTILE, notes=(HOSTILE,))


def test_the_page_is_well_formed_and_says_all_that_the_report_does(report):
    read = Balanced(report.to_html())
    assert {"svg", "details", "table"} <= set(read.tags)
    assert f"{report.ran} ran" in read.text
    for row in report:
        assert row.case in read.text and row.detail in read.text and row.status in read.text
    for finding in report.findings:
        for said in (finding.name, finding.kind, finding.sentence, finding.evidence):
            assert said in read.text
    for operation, equation in report.equations.items():
        assert operation in read.text and all(part in read.text for part in equation.split("   "))
    assert all(number in read.text for number in report.versions.values())


def test_nothing_of_a_message_or_a_name_is_markup(report):
    text = report.to_html()
    assert HOSTILE not in text and escape(HOSTILE) in text
    read = Balanced(text)
    assert "script" not in read.tags and HOSTILE in read.text
    assert {name for name, _ in read.attributes if name.startswith("on")} == set()


def test_the_page_needs_nothing_from_elsewhere(report):
    text = report.to_html()
    assert not re.search(r"https?://|url\(|@import|<link|<img|<script|src=", text)


def test_what_is_not_right_comes_first_and_what_is_right_is_folded(report):
    text = report.to_html()
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == ["Not right", "Expected to fail", "Right", "Not compared"]
    assert re.findall(r'<details id="r0-(\w+)"', text) == ["mala_step", "implicit_score_matching"]


def figures(report, operation):
    text = report.to_html()
    article = re.search(f'<article id="r0-{operation}".*?</article>', text, re.DOTALL).group(0)
    return re.findall("<figure>(.*?)<figcaption>(.*?)</figcaption>", article)


def test_the_pictures_are_those_that_say_something(report):
    captions = {name: [said for _, said in figures(report, name)] for name in ("langevin", "explicit_score_matching")}
    assert [said.split(",")[0] for said in captions["explicit_score_matching"]] == [
        "Values",
        "Coordinates of the gradient",
        "Distance from the reference in units",
    ]
    assert "the points you return" in captions["langevin"][-1]
    assert "the vector you return" in figures(report, "gaussian_score")[-1][1]
    assert figures(report, "sliced_score_matching") == figures(report, "tweedie") == []


def test_the_scatter_stands_where_the_numbers_are(report):
    """A score of the wrong sign lies on the other diagonal: what is far right is far down, and down is a larger y."""
    drawing = figures(report, "gaussian_score")[0][0]
    dots = np.array(re.findall(r'<circle class="fail" cx="([\d.]+)" cy="([\d.]+)"', drawing), dtype=float)
    assert len(dots) > 20 and np.allclose(dots[:, 0], dots[:, 1], atol=0.11)


def test_all_right_is_folded_and_has_no_pictures():
    text = check(right, operations=["implicit_score_matching"]).to_html()
    assert "<article" not in text and "<svg" not in text and "✓ right" in Balanced(text).text


def test_a_report_without_rows_has_a_page():
    read = Balanced(Report(()).to_html())
    assert "0 ran" in read.text and "could not check" in read.text


def test_a_value_that_is_too_large_to_be_drawn_is_drawn_at_the_edge():
    """Numbers far from all the others, and distances beyond the axis; what is not finite in both has no place."""
    got, want = np.array([1e300, 0.5, 0.25, -np.inf, 0.75] * 3), np.array([0.5, 0.5, 0.25, -np.inf, 0.75] * 3)
    got[5:] = want[5:]
    row = Row("tweedie", "huge", "fail", float("inf"), (), "", Compared((got, want, 1.0)))
    text = Report((row, replace(row, status="pass", units=0.0))).to_html()
    drawn = [float(n) for n in re.findall(r'c[xy]="([^"]+)"', text)]
    assert drawn and min(drawn) >= 0.0 and max(drawn) <= 320.0 and text.count("fail ring") == 1


def test_the_json_says_with_what_and_under_which_conventions():
    half = lambda score, x: 2.0 * REFERENCE["implicit_score_matching"](score, x)
    told = json.loads(check({"implicit_score_matching": half}, conventions={"factor": 2.0}).to_json())
    assert told["framework"] == "numpy" and {"refimpl", "python", "numpy"} == set(told["versions"])
    assert told["conventions"] == {"implicit_score_matching": {"factor": 2.0}}
    assert "(ISM.6)" in told["equations"]["implicit_score_matching"] and told["ran"] == 7
    first = told["rows"][0]
    assert len(first["got"]) == 5 and np.allclose(first["got"], first["want"])


def test_the_summary_says_the_zeros_too(report):
    counted = r"\d+ cases ran \(\d+ pass, \d+ fail, \d+ unsupported, \d+ expected-failure, \d+ error"
    assert re.search(counted + r"\)", summary(check(right, operations=["implicit_score_matching"])))
    assert re.search(counted + r", 4 unexpected-pass\)", summary(report))


def test_the_command_writes_the_page_and_prints_the_report(tmp_path, capsys):
    path = tmp_path / "out.html"
    status = main(["check", mistaken.__file__, "--operation", "denoising_score_matching", "--html", str(path)])
    out, err = capsys.readouterr()
    assert status == 1 and "mistake: score-sign" in out and f"the page is {path}" in err
    assert "mistake: score-sign" in Balanced(path.read_text(encoding="utf-8")).text


def test_both_bundled_examples_are_on_one_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--operation", "denoising_score_matching", "--json", "--html"]) == 0
    read = Balanced((tmp_path / "refimpl-report.html").read_text(encoding="utf-8"))
    assert "✓ right" in read.text and "✗ wrong" in read.text and "the page is" not in capsys.readouterr().out
    identities = [value for name, value in read.attributes if name == "id"]
    assert sorted(identities) == sorted(set(identities)) and len(identities) == 2


def test_the_folder_of_the_page_is_made(tmp_path):
    path = tmp_path / "no such folder" / "out.html"
    assert main(["check", "refimpl.examples.right", "--operation", "explicit_score_matching", "--html", str(path)]) == 0
    assert path.is_file()


@pytest.mark.parametrize(("target", "expected"), [("refimpl.examples.right", 2), (mistaken.__file__, 1)])
def test_a_page_that_cannot_be_written_is_one_line_and_the_report_is_printed(tmp_path, capsys, target, expected):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "out.html"
    status = main(["check", target, "--operation", "denoising_score_matching", "--html", str(path)])
    out, err = capsys.readouterr()
    assert status == expected and "cases ran" in out
    assert err.startswith(f"refimpl: --html is {path}, which cannot be written: ") and err.count("\n") == 1


def test_the_target_is_not_taken_for_the_page(tmp_path, capsys):
    path = tmp_path / "theirs.py"
    path.write_text("framework = 'numpy'\n", encoding="utf-8")
    assert main(["check", "--html", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == "framework = 'numpy'\n"
    assert "it needs a name that ends in .html" in capsys.readouterr().err


def test_pages_of_two_reports_have_both_titles(report):
    assert page(replace(report, title="one"), replace(report, title="two")).count("<h1>") == 2
