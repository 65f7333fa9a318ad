"""The page that people look at first: it shows the data, and nothing in the data can do anything to it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conftest import edit_json
from copydesk.adopt import adopt
from copydesk.build import Options, build

VOID = {"meta", "br"}
HARM = "<script>alert(1)</script> \u202e\x1b[31m --- `x` <!-- & 👍"


class Page(HTMLParser):
    """Collects tags and text, and fails on tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        assert self.open in ([], ["html"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_seed_page_shows_texts_labels_and_pairs(seed_release: Path) -> None:
    page = Page((seed_release / "report/index.html").read_text(encoding="utf-8"))
    assert "Kim Jong Un" in page.text
    assert "contradicted" in page.text
    assert re.search(r"(\d+) of \1 hold", page.text)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert page.attributes.isdisjoint({"src", "href", "onload", "onclick"})


@pytest.mark.parametrize("where", ["text", "sentence"])
def test_hostile_text_stays_text(project: Path, where: str) -> None:
    def poison(record: dict) -> None:
        if where == "text":
            record["text"] += HARM
        else:
            record["claims"][0]["sentence"] = HARM

    edit_json(project / "data/articles/library-1.json", poison)
    release = build(Options(root=project)).folder
    page = Page((release / "report/index.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text
    assert "\\u{202e}" in page.text
    assert "<script>" not in (release / "README.md").read_text(encoding="utf-8")


def test_overlapping_spans_cover_the_text_once(seed_release: Path) -> None:
    """The text of an article stands on the page whole, for each layer, whatever lies over it."""
    page = (seed_release / "report/index.html").read_text(encoding="utf-8")
    without_tags = re.sub(r"<sub>.*?</sub>|</?span[^>]*>", "", page)
    first_line = "Kim Jong Un, 40, possesses a collection of foreign-made luxury cars believed to have been smuggled"
    assert without_tags.count(first_line) == 4  # segments, mentions, quotes, claims


def test_the_page_says_what_was_read_of_another_tools_files_and_how_passes_agree(tmp_path: Path) -> None:
    origin = tmp_path / "export"
    origin.mkdir()
    for n in range(6):
        (origin / f"a{n}.txt").write_text(f"Ada walks down street {n * 7919} on Monday.\n")
        (origin / f"a{n}_ada.ann").write_text("T1\tPERSON 0 3\tAda\nT2\tVERB 4 9\twalks\n")
        (origin / f"a{n}_bob.ann").write_text("T1\tPERSON 0 3\tAda\n" if n else "T1\tVERB 4 9\twalks\n")
    adopt(tmp_path / "project", "tiny", "Tiny", origin, None)
    page = (build(Options(root=tmp_path / "project")).folder / "report/index.html").read_text()
    assert "<h2>What was read</h2>" in page
    for words in ("brat", "ada 6", "bob 6", "rule: first", "code points 6"):
        assert words in page
    assert re.search(r"<td>mentions</td><td>0\.\d{3} \(0\.\d{3}–0\.\d{3}\)</td>", page)
