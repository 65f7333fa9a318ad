"""Articles -> native records, with a drafted contract: one JSON file an article, and schema/article.schema.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from copydesk import jsontext
from copydesk.articles.mapping import apply_map
from copydesk.articles.model import Article
from copydesk.articles.shape import to_record
from copydesk.contract.load import compile_kind
from copydesk.draft import article_schema, renames
from copydesk.exporters.names import Names
from copydesk.survey import Survey


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """articles/<id>.json for each article, and the schema that they keep.

    Goes over all articles twice, since one contract must fit all of them. Links between articles are a loss.
    """
    kept = []
    for article in articles:
        if article.text is None:
            losses["links between articles"] += 1
        else:
            kept.append(article)
    survey = Survey()
    survey.see(kept)
    if mapping := renames(survey):  # names that one contract cannot hold beside each other
        for article in kept:
            apply_map(article, mapping, set())
        survey = Survey()
        survey.see(kept)
    schema = article_schema(survey, "converted", rights=False)
    kind = compile_kind("article", schema)
    names = Names(".json")
    for article in kept:
        record = to_record(article, kind, {})
        losses.update(record.homeless)
        for found in record.found:
            losses[f"annotations that break a rule ({found.code})"] += 1
        yield f"articles/{names.stem(article.id)}.json", jsontext.dump_document(record.value)
    yield "schema/article.schema.json", jsontext.dump_document(schema)
