"""Where the time of a build goes: `python bench/stages.py [ARTICLES]`. CPU per article, stage by stage, and memory.

Seeded synthetic articles of the template's contract, in one JSON lines file; one process, so that its CPU time is
all there is. Absolute figures depend on the machine; compare two versions in one sitting.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from copydesk.build import Options, build
from copydesk.scaffold import create

WORDS, MENTIONS, CLAIMS = 500, 34, 14


def article(number: int, rnd: random.Random, vocabulary: list[str]) -> dict[str, object]:
    """About eight kilobytes of JSON, with typographic quotes and, now and then, an emoji."""
    words = [rnd.choice(vocabulary) for _ in range(WORDS)]
    words[0], words[20] = f"“{words[0]}”", "👍" if number % 16 == 0 else words[20]
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    mentions = [
        {"id": f"m{n}", "start": starts[i], "end": starts[i] + len(words[i]), "surface": words[i], "label": "PLACE"}
        for n, i in enumerate(sorted(rnd.sample(range(WORDS), MENTIONS)), 1)
    ]
    claims = [
        {
            "id": f"c{n}",
            "fragments": [{"start": starts[i], "end": starts[i + 3] + len(words[i + 3])}],
            "sentence": " ".join(words[i : i + 4]),
            "about": f"m{n}",
        }
        for n, i in enumerate(sorted(rnd.sample(range(WORDS - 4), CLAIMS)), 1)
    ]
    return {"id": f"synthetic-{number}", "text": " ".join(words), "mentions": mentions, "claims": claims}


def write_corpus(project: Path, count: int) -> int:
    """Write the articles and name them in dataset.toml; returns the bytes written."""
    rnd = random.Random(20)
    vocabulary = ["".join(rnd.choices("abcdefghijklmnoprstuvwé", k=rnd.randint(2, 10))) for _ in range(20_000)]
    path = project / "data" / "synthetic.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            stream.write(json.dumps(article(number, rnd, vocabulary), ensure_ascii=False) + "\n")
    toml = project / "dataset.toml"
    source = 'paths = ["data/articles/*.json"]'
    toml.write_text(toml.read_text().replace(source, 'paths = ["data/articles/*.json", "data/synthetic.jsonl"]'))
    return path.stat().st_size


def main(count: int) -> None:
    """Build once, print one line a stage."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "bench"
        create(project, "bench")
        size = write_corpus(project, count)
        times: dict[str, float] = {}
        last = ["prepare", time.process_time()]

        def progress(stage: str, done: int, total: int) -> None:
            now = time.process_time()
            times[str(last[0])] = times.get(str(last[0]), 0.0) + now - float(last[1])
            last[:] = [stage, now]

        build(Options(root=project, workers=1, progress=progress))
        progress("end", 0, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count:,} articles, {size / 2**20:.0f} MiB of JSON lines, peak memory {peak:.0f} MiB\n")
        total = sum(times.values())
        for stage, seconds in times.items():
            print(f"{stage:<10} {seconds / count * 1e6:>7.0f} µs of CPU per article  {seconds / total:>5.0%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
