"""The certificate of leakage: how alike the most similar articles of different splits are.

Made from the shingles of the texts, by the build from its spool and by `verify` from the rows of the release: both
must come to the same. Similarity is measured, not judged; what is allowed stands in [splits.bound].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from copydesk.decisions import colours, in_force
from copydesk.diagnostics import Diagnostic, Place
from copydesk.grouping import words_compared
from copydesk.nearcopies import LEAST_SHARED, Pair, Work, longest_run, most_alike
from copydesk.project import PROJECT_FILE, Boilerplate, Bound, Decision, NearCopies, Splits
from copydesk.shingles import Joined

LISTED = 10
"""Pairs of articles that the certificate lists for each two splits: the most alike by each of its measures."""


def certify(
    ids: Sequence[str],
    homes: Sequence[str],
    shingles: Joined,
    splits: Splits,
    version: str,
    work: Work | None = None,
) -> dict[str, Any]:
    """What quality/leakage.json says. `homes`: the split of each article, in the order of `ids` and `shingles`.

    `work`: how the work is done; that of the search for near copies has half of it done already.
    """
    apart = colours(splits, version, {i for decision in splits.decisions for i in decision.articles})
    near = splits.near_copies
    method = {
        "words": words_compared(splits),
        "least_shared": LEAST_SHARED,
        "near_copies": asdict(near) if near is not None else None,
        "boilerplate": [asdict(part) | {"values": list(part.values)} for part in splits.boilerplate],
        "bound": _bound(splits),
    }
    accepted = [
        {"articles": sorted(d.articles), "version": d.version, "reason": d.reason}
        for _, d in in_force(splits, version, "accept")
    ]
    return {
        "articles": len(ids),
        "method": method,
        "set_apart": accepted,
        **_measured(ids, homes, shingles, words_compared(splits), apart, work),
    }


def _tells(pair: Mapping[str, Any], certificate: Mapping[str, Any]) -> bool:
    """Whether a containment says something: a text of a few words is contained in many by chance."""
    return bool(pair["shared"] >= certificate["method"]["least_shared"])


def _bound(splits: Splits) -> dict[str, Any]:
    """What is allowed across splits: what [splits.bound] says, else what would have made the two one group."""
    near = splits.near_copies
    least = {"jaccard": near.jaccard, "containment": near.containment} if near is not None else {}
    return least | {name: value for name, value in asdict(splits.bound).items() if value is not None}


def _measured(
    ids: Sequence[str],
    homes: Sequence[str],
    shingles: Joined,
    words: int,
    apart: Mapping[str, int],
    work: Work | None,
) -> dict[str, Any]:
    names = sorted(set(homes))
    number = {name: place for place, name in enumerate(names)}
    shade = [apart.get(i, 0) for i in ids]
    found = most_alike(shingles, [number[home] for home in homes], top=LISTED, colours=shade, work=work)
    pairs = [_pair_as_json(pair, ids, homes, shingles, words, apart) for pair in found]
    pairs.sort(key=lambda p: (-p["jaccard"], -p["containment"], -p["passage"], p["left"], p["right"]))
    between = []
    for two in combinations(names, 2):
        inside = [p for p in pairs if {p["left_split"], p["right_split"]} == set(two)]
        top = {name: max((p[name] for p in inside), default=0) for name in ("jaccard", "containment", "passage")}
        between.append({"splits": list(two), **top})
    return {"between": between, "pairs": pairs}


def _pair_as_json(
    pair: Pair, ids: Sequence[str], homes: Sequence[str], shingles: Joined, words: int, apart: Mapping[str, int]
) -> dict[str, Any]:
    left, right = ids[pair.left], ids[pair.right]
    return {
        "left": left,
        "right": right,
        "left_split": homes[pair.left],
        "right_split": homes[pair.right],
        "shared": pair.shared,
        "jaccard": round(pair.jaccard, 6),
        "containment": round(pair.containment, 6),
        "passage": longest_run(shingles.of(pair.left), shingles.of(pair.right), words),
        "set_apart": apart.get(left, 0) != apart.get(right, 0),
    }


def settings_of(certificate: Mapping[str, Any]) -> Splits:
    """The settings under which a certificate was made. Raises LookupError or TypeError if it does not say them."""
    method = certificate["method"]
    near = method["near_copies"]
    return Splits(
        salt="",
        ratios={},
        near_copies=NearCopies(**near) if near is not None else None,
        boilerplate=tuple(
            Boilerplate(layer=b["layer"], property=b["property"], values=tuple(b["values"]))
            for b in method["boilerplate"]
        ),
        bound=Bound(**method["bound"]),
        decisions=tuple(
            Decision(articles=tuple(d["articles"]), choice="accept", version=d["version"], reason=d["reason"])
            for d in certificate["set_apart"]
        ),
    )


def exceeding(certificate: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """L011 for each pair above the bound that no decision set apart."""
    for pair, why in above(certificate):
        message = (
            f"{pair['left']} ({pair['left_split']}) and {pair['right']} ({pair['right_split']}) "
            f"are too much alike: {why}"
        )
        yield Diagnostic(code="L011", place=Place(file=PROJECT_FILE, pointer="/splits/bound"), message=message)


def above(certificate: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """(pair, what of it lies above the bound that the certificate states), for pairs that were not set apart."""
    bound = certificate["method"]["bound"]
    measures = (
        ("jaccard", "jaccard", "Jaccard"),
        ("containment", "containment", "containment"),
        ("passage", "ngram", "longest passage in words"),
    )
    for pair in certificate["pairs"]:
        broken = [
            f"{words} {pair[name]}, the bound is {bound[limit]}"
            for name, limit, words in measures
            if limit in bound and pair[name] > bound[limit] and (limit != "containment" or _tells(pair, certificate))
        ]
        if broken and not pair["set_apart"]:
            yield pair, "; ".join(broken)
