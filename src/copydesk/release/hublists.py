"""The values that the Hub's card metadata may hold, as far as they can be known without a network.

From the Hub's documentation and task list; languages and creators from the resources of the installed `datasets`,
read as files, since importing it takes seconds.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from copydesk import jsontext


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LICENSES = _words(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
    lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense
    zlib pddl lgpl-lr unknown other
    """
)
"""Licence ids."""

_SPDX_OTHERWISE = {
    "odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl", "c-uda-1.0": "c-uda", "lgpllr": "lgpl-lr",
}  # fmt: skip
"""SPDX ids, in lower case, that the Hub has under another name."""

TASKS = _words(
    """
    text-classification token-classification table-question-answering question-answering zero-shot-classification
    translation summarization feature-extraction text-generation text2text-generation fill-mask sentence-similarity
    text-to-speech text-to-audio automatic-speech-recognition audio-to-audio audio-classification
    voice-activity-detection multiple-choice text-ranking text-retrieval table-to-text tabular-to-text
    tabular-classification tabular-regression time-series-forecasting graph-ml image-to-text text-to-image
    visual-question-answering document-question-answering image-text-to-text audio-text-to-text
    visual-document-retrieval image-classification video-classification object-detection other
    """
)
"""`task_categories`: the ones in which a corpus of articles can take part, and `other`."""

SUBTASKS = _words(
    """
    acceptability-classification entity-linking-classification fact-checking intent-classification
    language-identification multi-class-classification multi-label-classification multi-input-text-classification
    natural-language-inference semantic-similarity-classification sentiment-classification topic-classification
    semantic-similarity-scoring sentiment-scoring sentiment-analysis hate-speech-detection text-scoring
    named-entity-recognition part-of-speech parsing lemmatization word-sense-disambiguation coreference-resolution
    extractive-qa open-domain-qa closed-domain-qa news-articles-summarization news-articles-headline-generation
    dialogue-modeling dialogue-generation conversational language-modeling text-simplification
    explanation-generation abstractive-qa open-domain-abstractive-qa open-book-qa closed-book-qa slot-filling
    masked-language-modeling rdf-to-text multiple-choice-qa multiple-choice-coreference-resolution
    document-retrieval utterance-retrieval entity-linking-retrieval fact-checking-retrieval
    """
)
"""`task_ids`."""

_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"), (10**12, "100B<n<1T"),
)  # fmt: skip


def size_category(count: int) -> str:
    """`size_categories` of a number of articles."""
    return next((name for limit, name in _SIZES if count < limit), "n>1T")


def license_id(spdx: str) -> str | None:
    """The Hub's id of an SPDX licence; None if it has none."""
    lower = spdx.lower().removesuffix("-only").removesuffix("-or-later").removesuffix("+")
    name = _SPDX_OTHERWISE.get(lower, lower)
    return name if name in LICENSES else None


def languages() -> frozenset[str] | None:
    """Language codes; None if `datasets` is not installed or no longer has the list."""
    value = _resource("languages.json")
    return frozenset(value) if isinstance(value, dict) else None


def creators(of: str) -> frozenset[str] | None:
    """Who may have made the `language` or the `annotations`; None as for `languages`."""
    value = _resource("creators.json")
    return frozenset(value[of]) if isinstance(value, dict) and of in value else None


def _resource(name: str) -> Any:
    spec = find_spec("datasets")  # finds, does not import
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "utils" / "resources" / name
        if path.is_file():
            return jsontext.loads(path.read_bytes())
    return None
