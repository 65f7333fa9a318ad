"""Results -> README.md and its plots: `python bench/report.py`. Ratios first; measures nothing itself.

The newest result of each size counts (by the date of its commit); older ones make the history. The text between the
markers of README.md is written here, the rest by people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plots import bars

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- begin: written by report.py -->", "<!-- end -->"
NEEDED = (
    "JSON parse (orjson)",
    "JSON Schema (jsonschema-rs)",
    "JSON to Arrow (pyarrow.json)",
    "zstd Parquet, articles",
    "explode four layers",
    "zstd Parquet, four layers",
    "copy of the JSON lines",
    "SHA-256 of the JSON lines",
)
"""The floors that a packager in Python cannot do without; their sum is what builds are held against."""
QUIET = 0.1
"""With more processors than this busy for others, wall times say little."""
Json = dict[str, Any]


class Result:
    """One sitting, with the figures that the report is made of."""

    def __init__(self, data: Json) -> None:
        self.data, self.articles = data, data["articles"]
        self.parts: Json = data["parts"]
        self.order = (data["date"], "changed" in data)

    def part(self, name: str) -> Json | None:
        return self.parts.get(name)

    def build(self, name: str) -> Json | None:
        return self.parts.get(f"build: {name}")

    def per_article(self, name: str) -> float | None:
        """µs of CPU of an article in a build."""
        build = self.build(name)
        return build["cpu"] / self.articles * 1e6 if build else None

    @property
    def floor(self) -> float | None:
        floors = self.part("floors")
        return sum(floors[name] for name in NEEDED) if floors else None

    @property
    def expectations(self) -> float | None:
        """Seconds of CPU that Great Expectations and the rules in SQL add to a build."""
        with_them, without = self.build("with expectations"), self.build("two processes")
        return with_them["cpu"] - without["cpu"] if with_them and without else None

    def speedup(self) -> tuple[float, float, float] | None:
        """(wall of one process over that of two; the same if processors were free; processors busy for others).

        The second is from CPU alone: what the driver did cannot be shared, what workers did is halved.
        """
        one, two = self.build("one process"), self.build("two processes")
        if one is None or two is None:
            return None
        workers = sum(stage["cpu"]["workers"] for stage in two["stages"])
        free = one["cpu"] / (two["cpu"] - workers / 2)
        return one["wall"] / two["wall"], free, max(one["others"], two["others"])


def load(folder: Path) -> list[Result]:
    """All results, the oldest first."""
    found = [Result(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda result: result.order)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def micro(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def size(value: float) -> str:
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"


def goals(results: Sequence[Result]) -> Iterator[str]:
    """What was to be reached, and what was, a column a size."""
    rows: list[list[str]] = [
        ["CPU per article, without Great Expectations, one process", "≤ 300 µs"],
        ["the same over the sum of the floors", "—"],
        ["two processes over one, wall", "≥ 1.8"],
        ["the same, if both processors were free (from CPU)", "≥ 1.8"],
        ["peak memory, two processes", "< 1 GB at 100,000, < 2 GB at 1,000,000"],
        ["spool over input", "< 2"],
        ["rebuild after one edit over a first build, CPU", "< 0.1 at 100,000"],
        ["Great Expectations and rules in SQL, CPU", "≤ 15 s at 100,000"],
    ]
    for result in results:
        for row, value in zip(rows, _reached(result), strict=True):
            row.append(value)
    yield from table(["", "goal", *(f"{r.articles:,} articles" for r in results)], rows)


def _reached(result: Result) -> Iterator[str]:
    cpu, floor, speedup = result.per_article("one process"), result.floor, result.speedup()
    two, again, corpus = result.build("two processes"), result.build("rebuild"), result.part("corpus")
    yield f"{micro(cpu)} µs" if cpu else "—"
    yield f"{cpu / floor:.2f}" if cpu and floor else "—"
    busy = f" ({speedup[2]:.1f} processors were busy for others)" if speedup and speedup[2] > QUIET else ""
    yield f"{speedup[0]:.2f}{busy}" if speedup else "—"
    yield f"{speedup[1]:.2f}" if speedup else "—"
    yield size(two["proportional"]) if two else "—"
    yield f"{two['folder'] / corpus['bytes']:.2f}" if two and corpus else "—"
    yield f"{again['cpu'] / two['cpu']:.2f}" if two and again else "—"
    yield f"{result.expectations:.1f} s" if result.expectations is not None else "—"


def peers(result: Result) -> Iterator[str]:
    """Each peer against copydesk in the same sitting."""
    own, floor = result.per_article("one process"), result.floor
    if own is None:
        return
    rows = [["**copydesk**, everything but Great Expectations", "1", micro(own), "in it", f"{result.articles:,}"]]
    with_them = result.build("with expectations")
    if with_them and result.expectations is not None:
        whole = own + result.expectations / result.articles * 1e6
        rows.append(
            ["copydesk with Great Expectations", f"{whole / own:.2f}", micro(whole), "in it", f"{result.articles:,}"]
        )
    if floor:
        rows.append(["floors, summed up", f"{floor / own:.2f}", micro(floor), "", ""])
    for name, told in result.parts.items():
        if name.startswith("peer: "):
            marginal = told["marginal"] * 1e6
            measured = f"{told['articles']:,}{', more are extrapolated' if told['extrapolated'] else ''}"
            start = f"{told['start']:.1f} s"
            rows.append([name.removeprefix("peer: "), f"{marginal / own:.2f}", micro(marginal), start, measured])
    yield from table(["", "times copydesk", "µs of CPU per article", "start", "articles measured"], rows)


def stages(result: Result) -> Iterator[str]:
    """CPU of an article by stage, a column a build."""
    builds = {name: told for name in ORDER if (told := result.build(name))}
    if not builds:
        return
    names = list(dict.fromkeys(stage["name"] for told in builds.values() for stage in told["stages"]))
    rows = [["start and end", *(micro(_rest(told) / result.articles * 1e6) for told in builds.values())]]
    for name in names:
        cells = []
        for told in builds.values():
            seconds = [sum(s["cpu"].values()) for s in told["stages"] if s["name"] == name]
            cells.append(micro(seconds[0] / result.articles * 1e6) if seconds else "")
        rows.append([name, *cells])
    rows.append(["**all**", *(f"**{micro(told['cpu'] / result.articles * 1e6)}**" for told in builds.values())])
    rows.append(["wall", *(f"{told['wall']:,.1f} s" for told in builds.values())])
    rows.append(["peak memory", *(size(told["proportional"]) for told in builds.values())])
    rows.append(["busy for others", *(f"{told['others']:.1f}" for told in builds.values())])
    yield from table(["µs of CPU per article", *builds], rows)


ORDER = ("one process", "two processes", "with expectations", "rebuild", "check")


def _rest(told: Json) -> float:
    return max(0.0, told["cpu"] - sum(sum(stage["cpu"].values()) for stage in told["stages"]))


def parts(result: Result) -> Iterator[str]:
    """What the two large stages do, by the profile of the build in one process."""
    build = result.build("one process")
    for stage in build["stages"] if build else ():
        if stage["name"] not in {"stage", "write", "barrier"}:
            continue
        found = [(part, s / result.articles * 1e6) for part, s in stage["parts"].items()]
        total = sum(value for _, value in found) or 1.0
        rows = [[part, micro(value), f"{value / total:.0%}"] for part, value in found if value > total / 100]
        yield from table([stage["name"], "µs per article", "share"], rows)


def history(results: Sequence[Result]) -> Iterator[str]:
    """All results of each size, as ratios to the floors of their own sitting, which machines and noise move less."""
    rows = []
    for result in sorted(results, key=lambda r: (r.articles, r.order)):
        cpu, floor = result.per_article("one process"), result.floor
        if cpu and floor:
            name = result.data["commit"] + (" and changes" if "changed" in result.data else "")
            rows.append([f"{result.articles:,}", name, f"{cpu / floor:.2f}", micro(cpu), micro(floor)])
    yield from table(["articles", "commit", "times the floors", "µs per article", "floors"], rows)


def generated(results: Sequence[Result]) -> Iterator[str]:
    """All that stands between the markers."""
    newest = {result.articles: result for result in results}
    sizes = [newest[count] for count in sorted(newest)]
    last = sizes[-1]
    box = last.data["machine"]
    yield (
        f"Measured on {box['processors']} processors ({box['architecture']}), {box['memory']} GB, Python "
        f"{box['python']}; the machine is shared, so that CPU is compared and wall times are told with how busy it was."
    )
    yield from ("", "### Goals", "")
    yield from goals(sizes)
    yield from (f"### Against others, {last.articles:,} articles", "", "![µs of CPU per article](plots/peers.svg)", "")
    yield from peers(last)
    yield from (f"### By stage, {last.articles:,} articles", "", "![by stage](plots/stages.svg)", "")
    yield from stages(last)
    yield from ("### Within the stages", "")
    yield from parts(last)
    if floors := last.part("floors"):
        yield from ("### Floors", "")
        yield from table(
            ["", "µs per article"], [[n if n in NEEDED else f"({n})", micro(v)] for n, v in floors.items()]
        )
    yield from ("### History", "")
    yield from history(results)
    yield from beside(last)
    if failed := [(r, name, why) for r in sizes for name, why in r.data["failures"].items()]:
        yield from ("### Not measured", "")
        yield from (f"- {name}, {r.articles:,} articles: {why}" for r, name, why in failed)


def beside(result: Result) -> Iterator[str]:
    """What the smaller benchmarks print."""
    for name, text in result.parts.items():
        if name.startswith("beside: "):
            yield from (f"### {name.removeprefix('beside: ').capitalize()}", "", "```", text, "```", "")


def plots(result: Result) -> dict[str, str]:
    """File name -> SVG."""
    out = {}
    own = result.per_article("one process")
    if own is not None:
        rows = [("copydesk", [("", own)])]
        rows += [("floors", [("", result.floor)])] if result.floor else []
        found = [(n.removeprefix("peer: "), t) for n, t in result.parts.items() if n.startswith("peer: ")]
        rows += [(name, [("", told["marginal"] * 1e6)]) for name, told in found]
        rows.sort(key=lambda row: row[1][0][1])
        out["peers.svg"] = bars("µs of CPU per article, logarithmic", rows, logarithmic=True, strong="copydesk")
    rows = []
    for name in ORDER:
        if told := result.build(name):
            cells = [(s["name"], sum(s["cpu"].values()) / result.articles * 1e6) for s in told["stages"]]
            rows.append((name, [("start and end", _rest(told) / result.articles * 1e6), *cells]))
    if rows:
        out["stages.svg"] = bars("µs of CPU per article, by stage", rows)
    return out


def main() -> None:
    """Write README.md between its markers, and the plots."""
    results = load(HERE / "results")
    if not results:
        print("no results yet: run bench/run.py")
        return
    readme = HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    text = "\n".join(generated(results)).rstrip()
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    folder = HERE / "plots"
    folder.mkdir(exist_ok=True)
    newest = {result.articles: result for result in results}
    for name, svg in plots(newest[max(newest)]).items():
        (folder / name).write_text(svg, encoding="utf-8")
    print("wrote bench/README.md and bench/plots/")


if __name__ == "__main__":
    main()
