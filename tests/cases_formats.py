"""One tiny case for each code about what the formats of other tools bring. No test of its own.

Each puts a small export in the place of the articles of the example project; the contract stays: `mentions` with
start, end and the labels PERSON, PLACE and TIME.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from cases import PROJECT, Break, Case, both, text, without_links, without_pin

from conftest import replace_text

TEXT = "Ada walks down Mill Street on Monday.\n"
GOOD = "T1\tPERSON 0 3\tAda\n"
HERE = "data/export"


def export(format_name: str, files: dict[str, str | bytes], *settings: str) -> Break:
    """The project with an export for its articles; `settings` are further lines of the source."""

    def breaks(folder: Path) -> None:
        without_links(folder)
        without_pin(folder)
        for name, content in files.items():
            path = folder / HERE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        toml = folder / PROJECT
        lines = "\n".join([f'format = "{format_name}"', f'paths = ["{HERE}"]', *settings])
        replace_text(toml, 'paths = ["data/articles/*.json"]', lines)

    return breaks


def brat(lines: str, *settings: str, **more: str) -> Break:
    """A brat export of one article; `more` are further files, with a `_` for the dot of their suffix."""
    files: dict[str, str | bytes] = {"a1.txt": TEXT, "a1.ann": lines}
    return export("brat", files | {name.replace("_", "."): content for name, content in more.items()}, *settings)


def studio(result: list[dict[str, Any]], text_of_task: str = TEXT) -> Break:
    task = {"id": 7, "data": {"text": text_of_task}, "annotations": [{"id": 1, "completed_by": 1, "result": result}]}
    return export("label-studio", {"tasks.json": json.dumps([task], indent=1)})


def region(start: int, end: int, surface: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": surface, "labels": ["PERSON"]}
    return {"id": "r1", "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writer:
        for name, content in members.items():
            writer.writestr(name.replace("_up_", "../").replace("_dot_", "."), content)
    return out.getvalue()


def without_library(module: str, importer: str) -> Break:
    """Let a library be missing while the command runs."""

    @contextmanager
    def missing() -> Iterator[None]:
        names = [name for name in sys.modules if name == importer or name.partition(".")[0] == module]
        hidden = {name: sys.modules.pop(name) for name in names}
        sys.modules[module] = None  # what Python itself does to stop an import
        try:
            yield
        finally:
            del sys.modules[module]
            sys.modules.update(hidden)

    def breaks(folder: Path) -> AbstractContextManager[object]:
        return missing()

    return breaks


HYPER = {"id": "r1", "from_name": "l", "to_name": "text", "type": "hypertextlabels", "value": {
    "start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0, "endOffset": 3, "hypertextlabels": ["X"],
}}  # fmt: skip
BDOC = {"text": "👍 Ada", "offset_type": "j", "features": {}, "annotation_sets": {"": {"annotations": [
    {"id": 0, "type": "mentions", "start": 1, "end": 6, "features": {}}]}}}  # fmt: skip
ENTITY = '<?xml version="1.0"?>\n<!DOCTYPE d [<!ENTITY a "x">]>\n<Document><token t_id="1">a</token></Document>\n'
TODO = '"description": "A human being."'

CASES: dict[str, Case] = {
    "C007": Case(
        breaks=text("schema/article.schema.json", TODO, '"description": "TODO: say what it means."'),
        file="schema/article.schema.json",
    ),
    "I001": Case(breaks=export("label-studio", {"tasks.json": '{"a": 1}'}), file=f"{HERE}/tasks.json", shows="{"),
    "I002": Case(breaks=brat(f"{GOOD}T2\tPERSON 4\twalks\n"), file=f"{HERE}/a1.ann", shows="T2", record="a1"),
    "I003": Case(breaks=brat(f"{GOOD}R1\tknows Arg1:T1 Arg2:T9\n"), file=f"{HERE}/a1.ann", shows="R1", record="a1"),
    "I004": Case(breaks=brat(GOOD, b2_ann=GOOD), file=f"{HERE}/b2.ann", record="b2"),
    "I005": Case(breaks=brat(GOOD, b2_txt="Nothing here.\n"), file=f"{HERE}/b2.txt", shows="Nothing", record="b2"),
    "I006": Case(breaks=brat(f"{GOOD}T1\tTIME 30 36\tMonday\n"), file=f"{HERE}/a1.ann", shows="Monday", record="a1"),
    "I007": Case(breaks=brat(f"{GOOD}A1\tSure T1\n"), file=PROJECT, shows="format", pointer="/source/0/format"),
    "I008": Case(
        breaks=brat(f"{GOOD}T2\tVERB 4 9\twalks\n", "map = { labels = { mentions = { VERB = false } } }"),
        file=PROJECT, shows="format", pointer="/source/0/format",
    ),
    "I009": Case(
        breaks=export("brat", {"a1.txt": TEXT, "a1_ada.ann": GOOD, "a1_bob.ann": GOOD}),
        file=f"{HERE}/a1_ada.ann", shows="T1", record="a1",
    ),
    "I010": Case(
        breaks=export("brat", {"a.zip": archive(**{"a1_dot_txt": TEXT, "a1_dot_ann": GOOD, "_up_x_dot_ann": ""})}),
        file=f"{HERE}/a.zip",
    ),
    "I011": Case(breaks=export("cat", {"a1.xml": ENTITY}), file=f"{HERE}/a1.xml", shows="<?xml"),
    "I012": Case(breaks=studio([HYPER]), file=f"{HERE}/tasks.json", shows="{", pointer="/0/data", record="7"),
    "I013": Case(breaks=brat(GOOD, README_md="About this.\n"), file=PROJECT, shows="paths", pointer="/source/0/paths"),
    "I014": Case(
        breaks=both(export("docbin", {"a.spacy": ""}), without_library("spacy", "copydesk.importers.docbin")),
        file=PROJECT, shows="format", pointer="/source/0/format",
    ),
    "I015": Case(breaks=studio([region(3, 6, "Ada")], f"👍 {TEXT}"), file=PROJECT, shows="format",
                 pointer="/source/0/format"),
    "I016": Case(breaks=brat("T1\tPERSON 0 3;10 14\tAda down\n"), file=f"{HERE}/a1.ann", shows="T1", record="a1"),
    "I017": Case(
        breaks=export("columns", {"a1.conll": "Ada I-PERSON\nwalks O\nMonday B-TIME\n"}, 'options = { tags = "iob2" }',
                      "map = { layers = { tokens = false, sentences = false } }"),
        file=f"{HERE}/a1.conll", shows="Ada", record="a1", beside=frozenset({"I008"}),
    ),
    "I018": Case(
        breaks=brat(GOOD, "map = { layers = { events = false } }"),
        file=PROJECT, shows="map", pointer="/source/0/map/layers/events",
    ),
    "I019": Case(breaks=export("gate", {"a1.bdocjs": json.dumps(BDOC, indent=1)}), file=f"{HERE}/a1.bdocjs",
                 shows="{", pointer="/annotation_sets//annotations/0", record="a1", beside=frozenset({"I015"})),
    "I020": Case(
        breaks=brat("T1\tPERSON 10 14;0 3\tAda down\n", 'map = { discontinuous = "hull" }'),
        file=f"{HERE}/a1.ann", shows="T1", record="a1", beside=frozenset({"I008"}),
    ),
}  # fmt: skip
