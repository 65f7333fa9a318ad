"""What DKPro, WebAnno and INCEpTION call their types, and what these are called here. Reads no files.

The same document as WebAnno TSV and as CAS has the same layers, so both formats have these names from here.
"""

from __future__ import annotations

import re

_DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
NAMED_ENTITY = f"{_DKPRO}ner.type.NamedEntity"
TOKEN = f"{_DKPRO}segmentation.type.Token"
SENTENCE = f"{_DKPRO}segmentation.type.Sentence"
DEPENDENCY = f"{_DKPRO}syntax.type.dependency.Dependency"
META_DATA = f"{_DKPRO}metadata.type.DocumentMetaData"
POS, LEMMA = f"{_DKPRO}lexmorph.type.pos.POS", f"{_DKPRO}segmentation.type.Lemma"
ANNOTATION = "uima.tcas.Annotation"

FAMILIES = {
    TOKEN: "tokens",
    SENTENCE: "sentences",
    NAMED_ENTITY: "mentions",
    DEPENDENCY: "dependencies",
    POS: "POS",
    LEMMA: "Lemma",
    f"{_DKPRO}segmentation.type.Stem": "Stem",
    f"{_DKPRO}lexmorph.type.morph.MorphologicalFeatures": "MorphologicalFeatures",
    f"{_DKPRO}syntax.type.constituent.Constituent": "Constituent",
    f"{_DKPRO}syntax.type.chunk.Chunk": "Chunk",
}
"""DKPro types -> layers. Types below them (POS_NOUN, NP, Person) say a value once more: they are of the same layer."""

LABELS = {"mentions": "value", "dependencies": "DependencyType"}
"""Layer -> the feature that is the label of its items; in the others it is `label`, if they have one."""

TAKEN = frozenset({"id", "label", "start", "end", "fragments", "head", "tail"})
"""What an item says by other means: a feature of this name gets an underscore behind it."""


def identifier(name: str) -> str:
    """A name made of letters, digits and underscores."""
    plain = re.sub(r"\W", "_", name)
    return f"_{plain}" if plain[:1].isdecimal() else plain


def property_name(feature: str) -> str:
    """What a feature is called among the properties of an item."""
    name = identifier(feature)
    return f"{name}_" if name in TAKEN else name
