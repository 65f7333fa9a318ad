"""report/index.html: what a person looks at first. One page, no script, no network, readable on paper.

Counts and results come from the facts of the release; the articles shown are the first of each split, whole, with
one layer of annotation at a time laid over the text. Everything that comes from the data is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from copydesk.checks.spans import span_ranges
from copydesk.contract.rows import label_lists
from copydesk.contract.types import Span, Type
from copydesk.release.facts import Facts, measured
from copydesk.release.markup import Html, grid, safe
from copydesk.release.model import Release, Table, read_rows
from copydesk.release.report_groups import render_groups

SHOWN_ARTICLES = 3
"""Articles of each split that the page shows."""
SHOWN_ROWS = 200
"""Rows of a table of pairs that the page shows."""

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .25rem .7rem; border: 1px solid var(--line);
  text-align: left; vertical-align: top; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.text { white-space: pre-wrap; background: var(--soft); padding: 1rem; border-radius: .4rem; }
.tag { border-radius: .25rem; padding: 0 .15rem; } sub { font-size: .65em; opacity: .8; }
details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
.ok { color: #18794e; } .bad { color: #cd2b31; font-weight: 600; } .quiet { opacity: .75; }
del { background: #cd2b3133; } ins { background: #18794e33; }
"""


def render_report(release: Release, facts: Facts) -> bytes:
    """The page, as UTF-8."""
    dataset = release.project.dataset
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{safe(dataset.title)} {safe(dataset.version)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{safe(dataset.title)}</h1>",
        f"<p class=quiet>{safe(dataset.name)} {safe(dataset.version)}, {safe(dataset.date)}</p>",
        f"<p>{safe(dataset.summary)}</p>",
        *_splits(release),
        *render_groups(release, facts),
        *_intake(facts),
        *_expectations(facts),
        *_agreement(facts),
        *_labels(release, facts),
        *_articles(release),
        *_pairs(release),
        "</body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _splits(release: Release) -> Iterator[str]:
    names = release.split_names
    rows = []
    for table in release.tables:
        counts = {split.name: split.rows for split in table.splits}
        rows.append([table.name, table.config.description, *(counts.get(name, 0) for name in names)])
    yield "<h2>What it holds</h2>"
    yield grid(["Config", "What it holds", *names], rows)


def _intake(facts: Facts) -> Iterator[str]:
    if facts.intake is None:
        return
    yield "<h2>What was read</h2>"
    yield "<p>The files of other tools, and what of them is not in the release; quality/intake.json has it whole.</p>"
    rows = []
    for source in facts.intake["sources"]:
        passes = [f"{name} {n:,}" for name, n in source["passes"].items()]
        units = [f"{unit} {n:,}" for unit, n in source["offsets"].items()]
        left_out = [f"{words} {n:,}" for words, n in source["left_out"].items()]
        shown = [
            _value(lines) for lines in (units, [*passes, *([f"rule: {source['rule']}"] if passes else [])], left_out)
        ]
        rows.append([source["format"], source["articles"] or source["links"], *shown])
    yield grid(["Format", "Articles or links", "Offsets counted", "Passes over articles", "Left out"], rows)


def _expectations(facts: Facts) -> Iterator[str]:
    if facts.expectations is None:
        return
    rules = [(suite["config"], rule) for suite in facts.expectations["suites"] for rule in suite["rules"]]
    failed = [pair for pair in rules if pair[1]["status"] != "passed"]
    verdict = f"<span class={'bad' if failed else 'ok'}>{len(rules) - len(failed)} of {len(rules)} hold</span>"
    yield f"<h2>Expectations</h2><p>{verdict}</p><details><summary>All rules</summary>"
    yield grid(
        ["Config", "Rule", "What it says", "Rows", "Status"],
        [(c, r["rule"], r["description"], r["evaluated"], r["status"]) for c, r in rules],
    )
    yield "</details>"


def _agreement(facts: Facts) -> Iterator[str]:
    if facts.agreement is None:
        return
    yield "<h2>Agreement of the annotation passes</h2>"
    passes = ", ".join(facts.agreement["passes"])
    yield f"<p>F1 of the spans of the passes {safe(passes)}; Krippendorff’s alpha of the labels on the spans that are "
    yield "matched. In brackets, where there are five articles or more: 95 % bootstrap intervals.</p>"
    rows = []
    for layer, figures in facts.agreement["layers"].items():
        alphas = ", ".join(f"{name} {measured(value, 'alpha')}" for name, value in figures["labels"].items())
        rows.append((layer, measured(figures, "exact_f1"), measured(figures, "overlap_f1"), alphas))
    yield grid(["Layer", "F1, equal spans", "F1, overlapping", "Alpha"], rows)


def _labels(release: Release, facts: Facts) -> Iterator[str]:
    yield "<h2>Labels</h2>"
    for table in release.tables:
        if table.config.view == "records":
            continue  # nested labels are counted in the configs of their layers
        for path, labels in label_lists(table.type):
            column = path.replace("[]", "")
            counted = [(x.name, x.description, facts.count(table.name, column, x.name)) for x in labels]
            yield f"<details><summary>{safe(table.name)}: {safe(path)}</summary>"
            yield grid(["Label", "Definition", "Rows"], counted)
            yield "</details>"


def _articles(release: Release) -> Iterator[str]:
    for table in release.tables:
        layers = list(_span_layers(table.type))
        if table.config.view != "records" or not layers:
            continue
        yield "<h2>Articles</h2>"
        for split in table.splits:
            first = read_rows(release.folder, split.parquet[:1], table.type).slice(0, SHOWN_ARTICLES)
            for row in first.to_pylist():
                yield f"<h3>{safe(row['id'])} <span class=quiet>in {safe(split.name)}</span></h3>"
                for name, span, label in layers:
                    yield f"<details><summary>{safe(name)} ({len(row[name] or ())})</summary>"
                    yield f"<div class=text>{_marked(row[span.text], row[name] or (), span, label)}</div></details>"


def _span_layers(record: Type) -> Iterator[tuple[str, Span, str | None]]:
    """(layer, its span, the property with its label) for every layer whose items stand on the text."""
    for field in record.fields:
        item = field.type.item
        if item is not None and item.span is not None:
            yield field.name, item.span, next((f.name for f in item.fields if f.type.kind == "label"), None)


def _marked(text: str, items: Sequence[Mapping[str, Any]], span: Span, label: str | None) -> str:
    """The text with the spans of one layer over it. Spans may nest, cross and be in pieces."""
    pieces = [(start, end, item) for item in items for _, start, end in span_ranges(dict(item), span)]
    cuts = sorted({0, len(text), *(start for start, _, _ in pieces), *(end for _, end, _ in pieces)})
    opening: dict[int, list[int]] = {}
    ending: dict[int, list[int]] = {}
    for number, (start, end, _) in enumerate(pieces):
        if start < end:
            opening.setdefault(start, []).append(number)
            ending.setdefault(end, []).append(number)
    out, open_now = [], set[int]()
    for start, end in pairwise(cuts):
        open_now.difference_update(ending.get(start, ()))
        open_now.update(opening.get(start, ()))
        over = [pieces[number][2] for number in sorted(open_now)]
        inner = safe(text[start:end])
        if not over:
            out.append(inner)
            continue
        names = [_name(item, label) for item in over]
        closing = [_name(pieces[number][2], label) for number in ending.get(end, ())]
        hue = sum(map(ord, str(over[-1].get(label or "id")))) * 47 % 360
        style = f"background: hsl({hue} 70% 50% / {min(20 + 15 * len(over), 60)}%)"
        tags = f"<sub>{safe(' '.join(closing))}</sub>" if closing else ""
        out.append(f'<span class=tag style="{style}" title="{safe("; ".join(names))}">{inner}</span>{tags}')
    return "".join(out)


def _name(item: Mapping[str, Any], label: str | None) -> str:
    return f"{item.get('id', '')} {item[label]}" if label else str(item.get("id", ""))


def _pairs(release: Release) -> Iterator[str]:
    for table in release.tables:
        if table.config.view == "pairs":
            shown = [f.name for f in table.type.fields if _is_readable(table, f.name, f.type)]
            split = table.splits[0]
            rows = read_rows(release.folder, split.parquet[:1], table.type, shown).slice(0, SHOWN_ROWS).to_pylist()
            yield f"<h2>{safe(table.name)}</h2>"
            yield f"<p>{safe(table.config.description)}</p>"
            yield grid(shown, [[_value(row[name]) for name in shown] for row in rows])


def _is_readable(table: Table, name: str, node: Type) -> bool:
    """The columns that make a pair readable: its id, labels, notes and sentences; not ids and surfaces beside them."""
    inner = node.item or node
    return name == "id" or inner.kind == "label" or name in {"note"} or name.endswith("_sentence")


def _value(value: Any) -> object:
    if isinstance(value, list):
        return Html("<br>".join(safe(v) for v in value))
    return value
