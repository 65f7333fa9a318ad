"""Every code there is. A code is API: never reused, never given another meaning; what it finds may get wider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding weighs. Only an error stops a build."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One entry of the table. `waivable`: whether a waiver may let the record through."""

    id: str
    slug: str
    severity: Severity
    summary: str
    explanation: str
    example: str
    help: str | None = None
    waivable: bool = False


def _code(
    id: str, slug: str, severity: Severity, summary: str, explanation: str, example: str,
    help: str | None = None, waivable: bool = False,
) -> Code:  # fmt: skip
    return Code(
        id=id, slug=slug, severity=severity, summary=summary, explanation=explanation, example=example,
        help=help, waivable=waivable,
    )  # fmt: skip


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# fmt: off
_TABLE: tuple[Code, ...] = (
    # P: the project file
    _code("P001", "project-missing", E, "there is no dataset.toml",
          "A dataset project is a folder with a dataset.toml; none was found here.",
          "running `copydesk build` in a folder that is not a dataset project",
          "`copydesk init DIR` makes a new project; `--project DIR` names another folder"),
    _code("P002", "project-syntax", E, "dataset.toml is not TOML",
          "The file could not be parsed; the line is the parser's.", "version = 1.0.0 without quotes"),
    _code("P003", "project-invalid", E, "dataset.toml says something that copydesk does not understand",
          "A key is missing, unknown or of the wrong type. Unknown keys are refused so that a typo cannot silently "
          "switch a setting off.", "[dataset] without a version"),
    _code("P004", "source-empty", E, "a source matches no file",
          "A path or pattern of a [[source]] names nothing that exists.", 'paths = ["data/artcles/*.json"]'),
    _code("P005", "config-unknown", E, "a config asks for what the contract does not have",
          "A line of [configs] names a kind, layer, view or column that the schemas in schema/ do not declare.",
          'mentions = {layer = "mentons"}'),
    _code("P006", "format-unknown", E, "no importer for this format",
          "A [[source]] names a format that copydesk does not read.", 'format = "docx"'),
    # C: the contract
    _code("C001", "schema-missing", E, "a kind of record has no schema",
          "Every kind named by a [[source]] needs schema/<kind>.schema.json.",
          "kind = \"article\" and no schema/article.schema.json"),
    _code("C002", "schema-syntax", E, "a schema file is not JSON",
          "The file could not be parsed; the line is the parser's.", "a trailing comma"),
    _code("C003", "schema-invalid", E, "a schema is not valid JSON Schema 2020-12 or misspells the vocabulary",
          "Each schema is held against the JSON Schema meta-schema and against that of the x- keywords.",
          "\"type\": \"strnig\", or \"x-spam\""),
    _code("C004", "schema-reference", E, "a $ref leads nowhere",
          "References resolve among the files of schema/ only, by $id; nothing is ever fetched.",
          "\"$ref\": \"#/$defs/mentoin\""),
    _code("C005", "schema-outside-profile", E, "a schema cannot be expressed in Arrow",
          "Records become columns, so types are closed: objects with unevaluatedProperties false, arrays with one "
          "type of item, one type a value (or that type and null), labels as oneOf of const, integers with bounds.",
          "\"type\": [\"string\", \"integer\"]"),
    _code("C006", "vocabulary-misused", E, "an x- keyword names something that is not there",
          "x-span names properties of its object, x-ref a layer of the record, x-link a kind, x-key a property of "
          "the items.", "\"x-ref\": \"entites\""),
    _code("C007", "label-undefined", E, "a label has no definition yet",
          "A label list was drafted from the data, and this label still waits for its definition. In a draft release "
          "this is a warning.", "\"description\": \"TODO: …\"",
          "say in the schema what the label means, so that two people would use it alike"),
    # S: sources
    _code("S001", "file-unreadable", E, "a file cannot be read",
          "It does not exist, is not a file, or the system refused it.", "a document that was moved"),
    _code("S002", "not-utf8", E, "a file is not UTF-8",
          "Text is read as strict UTF-8; nothing is guessed or replaced.", "a document saved as windows-1252",
          "convert the file to UTF-8"),
    _code("S003", "json-syntax", E, "a record is not JSON",
          "The parser stopped at the place given; a file cut short stops at its end.", "{\"id\": \"a1\", ",
          ),
    _code("S004", "duplicate-key", E, "an object has the same key twice",
          "JSON parsers disagree on which one counts, so neither is taken.", "{\"id\": \"a\", \"id\": \"b\"}"),
    _code("S005", "number-outside-json", E, "a number that JSON or 64 bits cannot hold",
          "NaN and Infinity are not JSON; integers beyond 64 bits and floats that overflow would change on the way.",
          "{\"start\": NaN}"),
    _code("S006", "nested-too-deep", E, "a record is nested too deep",
          "More than 200 levels of brackets: no annotation needs it, and it can exhaust a reader.", "[[[[…]]]]"),
    _code("S007", "not-an-object", E, "a record is not a JSON object",
          "Each JSON file, and each line of a JSON lines file, holds one object.", "[{\"id\": \"a\"}]"),
    _code("S008", "document-digest", E, "a document is not the one that was annotated",
          "The SHA-256 of the file differs from the one that the record pins; offsets can no longer be trusted.",
          "a seed that was opened and saved by an editor",
          "restore the document, or check the annotation against the new text and then change the pin"),
    _code("S009", "document-outside", E, "a document path leaves the project",
          "Documents are named relative to the project and lie inside it.", "\"path\": \"../secret.txt\""),
    # I: what the formats of other tools bring
    _code("I001", "not-this-format", E, "a file is not of the format that its source names",
          "The beginning of the file, or its structure, is not what the format prescribes.",
          "a Label Studio export that is no JSON array of tasks"),
    _code("I002", "annotation-damaged", E, "an annotation cannot be understood",
          "A line, object or element does not have the form that the format prescribes. The rest of the file is read.",
          "T3\tPERSON 12 without an end"),
    _code("I003", "annotation-dangling", E, "an annotation refers to one that is not there",
          "A relation, event, attribute or note names another annotation of its file, which has none of that name.",
          "R1\tfounder Arg1:T1 Arg2:T99"),
    _code("I004", "text-missing", E, "annotations have no text",
          "The file with the text, or the property that holds it, is not there.", "a2.ann without a2.txt"),
    _code("I005", "annotations-missing", W, "a text has no file with annotations",
          "It is read as a text in which nothing is annotated.", "a2.txt without a2.ann", waivable=True),
    _code("I006", "annotation-repeated", E, "two annotations of a file have the same id",
          "What refers to the id could mean either; the first one is kept.", "two lines T3"),
    _code("I007", "not-in-contract", W, "annotations were left out that the contract has no place for",
          "A layer or property of the export is not in the schema, and [source.map] does not say to leave it out.",
          "notes in a brat project and no property `notes`",
          "add it to the schema, or say in [source.map] that it is left out"),
    _code("I008", "left-out", N, "annotations were left out, as the format or the map says",
          "What is counted here was read and not carried: the map leaves it out, or the format keeps it beside the "
          "annotation (drafts, predictions).", "predictions of a Label Studio task"),
    _code("I009", "passes-undecided", E, "several people annotated the same articles, and nothing says which counts",
          "An article has one annotation in a release. [source.passes] names the rule.",
          "two annotators in a brat folder", 'add [source.passes] with rule = "majority", "curated" or "annotator"'),
    _code("I010", "archive-refused", E, "an archive is refused",
          "It leads out of its folder, holds links or devices, expands past the limit, or cannot be read.",
          "a member ../../etc/passwd"),
    _code("I011", "markup-refused", E, "an XML file is refused",
          "It is not well-formed, or it declares entities or an external document type: those can expand without end "
          "or read other files.", "<!DOCTYPE x [<!ENTITY a \"…\">]>"),
    _code("I012", "not-plain-text", E, "the annotations are not of plain text",
          "Offsets into rendered hypertext, or regions of audio and pictures, have no place in a text.",
          "a Label Studio task with HyperText"),
    _code("I013", "file-not-read", W, "files of a source were not read",
          "They lie in the paths of the source, and the format does not know them.", "README.txt beside the exports",
          "name the files more closely in paths"),
    _code("I014", "library-missing", E, "a format stands on a library that is not installed",
          "Heavy or rare libraries are extras.", "format = \"docbin\" without spaCy"),
    _code("I015", "offsets-converted", N, "offsets did not count code points, and were converted",
          "The unit is declared by the format, or decided for each file from the strings that it gives for its spans.",
          "an export of a JavaScript tool from a text with emoji"),
    _code("I016", "span-in-pieces", E, "a discontinuous span, and the contract has spans of one piece",
          "The schema declares start and end for the layer; this span has several fragments.",
          "T1\tPERSON 0 3;8 12", "declare `fragments` in the schema, or set discontinuous in [source.map]"),
    _code("I017", "tags-repaired", N, "a sequence of tags was read leniently",
          "An inside tag without a beginning, or after another label, begins a new span.", "O I-PER with IOB2 tags"),
    _code("I018", "map-unused", W, "a line of [source.map] meets nothing",
          "It names a layer, label or property that no article of the source has.", "labels = { PERS = \"PERSON\" }"),
    _code("I019", "offset-in-character", E, "an offset falls inside a character",
          "In the unit that the file counts, no character begins or ends here.", "an odd half of an emoji in UTF-16"),
    _code("I020", "fragments-reordered", N, "fragments were put in order",
          "The fragments of a span stood in another order than in the text.", "T1\tPERSON 8 12;0 3"),
    # A0: the contract's word on a record
    _code("A001", "property-missing", E, "a required property is missing",
          "The contract requires it; a value that is not known is null where the contract allows that.",
          "a mention without a label"),
    _code("A002", "property-unknown", E, "a property that the contract does not have",
          "Types are closed so that nothing is dropped silently and no typo passes.", "\"lable\": \"PERSON\""),
    _code("A003", "wrong-type", E, "a value has the wrong type",
          "The contract names the type; true is no integer, and null only passes where it is allowed.",
          "\"start\": \"12\""),
    _code("A004", "label-unknown", E, "a label is not in the label list",
          "Labels are the ones that the schema lists with a definition.", "\"label\": \"PERSN\""),
    _code("A005", "value-refused", E, "a value breaks a rule of the contract",
          "A bound, pattern, length or format of the schema does not hold.", "an id that does not match its pattern"),
    # A1: spans
    _code("A101", "span-empty", E, "a span is empty",
          "start equals end; a span holds at least one code point.", "start 5, end 5"),
    _code("A102", "span-reversed", E, "a span ends before it starts",
          "Spans are half-open ranges [start, end).", "start 9, end 5"),
    _code("A103", "span-past-text", E, "a span ends past the text",
          "end is greater than the number of code points of the text. Offsets that were counted in UTF-16 units or "
          "bytes run past the end of a text with emoji or accents.", "end 2381 in a text of 2364 code points",
          "offsets count code points; were these exported in UTF-16 units or bytes?"),
    _code("A104", "span-on-white-space", W, "a span begins or ends with white space",
          "Trainers tokenise differently around white space; trim the span.", "\" Kim\"", waivable=True),
    _code("A105", "span-splits-grapheme", W, "a span boundary lies inside a character as people see it",
          "The boundary separates a base character from a combining mark, joins of an emoji, or CR from LF.",
          "a span that takes the e of é written as e + combining acute", waivable=True),
    _code("A106", "surface-differs", E, "the surface is not the text of the span",
          "The recorded string and the slice of the text differ: the offsets or the text moved.",
          "\"surface\": \"Kim\" on a span that reads \"im \"",
          "find which of the two is right; a constant shift usually means that the text was edited"),
    _code("A107", "fragments-disordered", E, "fragments overlap or are out of order",
          "The fragments of a span stand in the order of the text and do not overlap.", "[7, 9), [3, 5)"),
    # A2: keys and references
    _code("A201", "duplicate-item-id", E, "two items of a layer have the same id",
          "Items are referred to by id, so ids are unique in their layer.", "two mentions m3"),
    _code("A202", "dangling-reference", E, "a reference names an item that the record does not have",
          "x-ref values are ids of items of the named layer of the same record.",
          "\"entity\": \"kim\" and no such entity"),
    # A3: text
    _code("A301", "control-character", W, "the text holds control characters",
          "Control characters other than tab, line feed and carriage return are usually debris of an export.",
          "U+0008", waivable=True),
    _code("A302", "nul-character", E, "the text holds a NUL character",
          "Many readers end a string at NUL.", "U+0000"),
    _code("A303", "lone-surrogate", E, "a string holds half of a surrogate pair",
          "It is no Unicode text and cannot be written as UTF-8.", "\"\\ud83d\" alone",
          "the export cut an emoji in two; offsets are probably UTF-16 units too"),
    _code("A304", "bidi-control", W, "the text holds bidirectional control characters",
          "They can make a text read differently from what it is.", "U+202E", waivable=True),
    _code("A305", "not-nfc", N, "the text is not in Unicode normal form C",
          "It is kept as it is, since offsets count its code points; readers that normalise will shift them.",
          "e + combining acute instead of é", waivable=True),
    # B: the barrier
    _code("B001", "duplicate-record", E, "two records of a kind have the same id",
          "Ids are unique over all sources of a kind.", "the same article in two files"),
    _code("B002", "dangling-link", E, "a link names a record that does not exist",
          "x-link values are ids of records of the named kind.", "\"source\": \"ffff\" and no such article"),
    _code("B003", "dangling-link-item", E, "a link names an item that the linked record does not have",
          "x-ref with a record names an item of a layer of the linked record.", "source_claims [\"c99\"]"),
    _code("B004", "item-not-covered", E, "an item that the link must cover is not mentioned",
          "The contract says (cover) that every item of the layer appears in the link.", "a claim without a pair",
          waivable=True),
    _code("B005", "no-records", E, "there is nothing to release",
          "No article is left after the checks and exclusions.", "an empty source"),
    _code("B006", "linked-record-excluded", W, "a link was left out because a record that it needs was",
          "With on_error = \"exclude\", a link to an excluded record is excluded too, and recorded.",
          "a link to an article that failed a check"),
    # L: ledger and splits
    _code("L001", "ledger-invalid", E, "the ledger cannot be read",
          "data/ledger.jsonl is written by the build; it was edited or merged into something else.",
          "a line that is not JSON"),
    _code("L002", "group-conflict", E, "a group would straddle two splits",
          "Articles that belong together stand in different splits of an earlier release.",
          "a new link joins a train article and a test article",
          "decide in dataset.toml, with a reason: [[splits.decision]] with choice = \"move\" (the whole group goes to "
          "one split; a major version), \"quarantine\" (the arriving article is left out) or \"accept\" (no leak: the "
          "articles stay apart, and the certificate says so; a major version)"),
    _code("L003", "pin-unknown", E, "a pin names an article that does not exist",
          "[[splits.pin]] lists ids of articles of this dataset.", "articles = [\"ffff\"]"),
    _code("L004", "pin-conflict", E, "pins disagree",
          "One group is pinned to two splits, or decisions move it to two.",
          "two linked articles pinned to train and test"),
    _code("L005", "pin-moves", E, "a pin moves articles to another split",
          "An earlier release had them in another split, and scores on it would no longer be comparable. Such a move "
          "needs a new major version (before 1.0.0 a new minor one); then it is only noted. The same holds for moves "
          "by a [[splits.decision]], for released articles that one sets apart from others, and for other folds.",
          "a test article pinned to train in a patch release", "raise the major version, or drop the pin"),
    _code("L006", "ledger-newer", E, "the ledger is of a later version",
          "Articles that entered later would be forgotten, and could come back in another split.",
          "building 1.0.0 with the ledger of 1.1.0",
          "build an older version from its own commit, or raise the version in dataset.toml"),
    _code("L007", "split-drift", N, "the splits are far from the declared ratios",
          "Articles keep their splits and groups stay whole, so shares drift as a dataset grows.",
          "a large group fell into test",
          "leave it, or choose new splits with the next major version"),
    _code("L008", "article-renamed", N, "an article has the text of one that is gone, and takes its place",
          "The ledger knows the text under an id that no article has any more. The new id takes over its group, split "
          "and generation, so that a renamed article does not change sides.", "`a1.json` became `article-1.json`"),
    _code("L009", "decision-unused", W, "a decision about a group decides nothing",
          "A [[splits.decision]] of this version names articles that are not there, or a conflict that does not exist.",
          "a decision for a conflict that was mended", "remove it"),
    _code("L010", "split-column-invalid", E, "an article has no usable value in a column that the splits go by",
          "With by = \"time\" every article needs a time in `column`, a date or date-time of ISO 8601 or a number: "
          "without one it stands neither before nor after another. What `given` names must be one of the ratios, and "
          "not another split than the article's source gives it. A property that no article has is a slip.",
          "by = \"time\" and an article without a date"),
    _code("L011", "leak-above-bound", E, "articles in different splits are more alike than the bound allows",
          "The certificate of a release lists the most similar pairs across splits; [splits.bound] says how similar "
          "they may be.", "two articles with half their text in common in train and test",
          "lower the threshold of near_copies so that they become one group, or raise the bound"),
    _code("L012", "near-copies-incomplete", W, "passages stand in so many articles that not every pair was compared",
          "Text that very many articles share (a template, a notice of the publisher) makes them all candidates for "
          "near copies. Beyond a limit, pairs that share nothing else are not compared.",
          "a copyright notice that makes up most of every article",
          "name such segments in [splits] boilerplate"),
    _code("L013", "article-withdrawn", N, "an article that was withdrawn is still among the sources, and is left out",
          "data/tombstones.jsonl says so; `copydesk withdraw` wrote it.",
          "the file of a withdrawn article", "delete it from the sources, and from their history if it must be gone"),
    _code("L014", "given-splits-disagree", E, "the data put articles that belong together into different splits",
          "A source or a property names the split of each article, and articles of one group got different ones: "
          "scores on such splits would be too good.", "a near copy of a train article in a test folder",
          "name in [splits] prefer which split wins, or decide for the group with [[splits.decision]]"),
    _code("L015", "tombstones-invalid", E, "the list of withdrawn articles or yanked versions cannot be read",
          "data/tombstones.jsonl and data/yanked.jsonl are written by `copydesk withdraw` and `copydesk yank`, one "
          "JSON object a line.", "a line that is not JSON"),
    # W: waivers
    _code("W001", "waivers-invalid", E, "the waivers file is not valid",
          "Each [[waiver]] has code, record, reason and expires (a date).", "a waiver without a reason"),
    _code("W002", "waiver-unused", W, "a waiver is not needed",
          "Nothing was found that it covers; remove it.", "the finding was fixed"),
    _code("W003", "waiver-expired", E, "a waiver has expired",
          "Its date lies before the date of the release.", "expires = 2020-01-01"),
    _code("W004", "not-waivable", E, "this code cannot be waived",
          "The record could not be released truthfully.", "a waiver for A103"),
    # E: expectations
    _code("E001", "suite-invalid", E, "an expectation suite is not valid",
          "Great Expectations drops what it does not know without a word; our loader refuses it.",
          "an expectation type that does not exist"),
    _code("E002", "expectation-failed", E, "an expectation failed",
          "Rows of the files as written break a rule. The rows are named by id; their text is not shown.",
          "a null label"),
    _code("E003", "expectation-not-evaluated", E, "an expectation was not evaluated",
          "The rule raised, or gave no verdict. A rule that was not evaluated has failed.",
          "a query that does not parse"),
    _code("E004", "expectation-failed-warning", W, "an expectation of severity warning or info failed",
          "As E002, but the suite says that it need not stop the release.", "an unusually long mention"),
    _code("E005", "suite-missing", W, "a config has no expectation suite",
          "Nothing is expected of its rows, so nothing about them was tested as written.",
          "a new line in [configs] and no schema/expectations/<config>.json"),
    # R: the release
    _code("R001", "read-back-differs", E, "a loader does not give back what was written",
          "The release was read through the loaders that users have, and a row, split, feature or count differed.",
          "a label list in another order"),
    _code("R002", "datasheet-blank", E, "a question of the datasheet is not answered",
          "Every question of the datasheet needs an answer; \"not applicable\" with a reason is one. In a draft "
          "release this is a warning.", "### 3.2 with nothing below it"),
    _code("R003", "documents-stale", E, "a checked-in document does not match the release",
          "The ledger or a generated block of DATASHEET.md differs from what the build computes (--frozen).",
          "a count that an earlier build wrote", "run `copydesk build` without --frozen and commit what it changed"),
    _code("R004", "block-unknown", E, "a document asks for a block or value that does not exist",
          "Generated blocks and values have fixed names; begin and end match.", "<!-- copydesk:begin splts -->"),
    _code("R005", "changelog-missing", E, "the changelog has no entry for this version",
          "Each release says what changed. In a draft release this is a warning.", "version 1.1.0 and no ## 1.1.0"),
    _code("R006", "output-not-writable", E, "the output folder cannot be written",
          "The release could not be written; the previous one is untouched.", "a read-only disk"),
    _code("R007", "document-missing", E, "a document of the project is missing",
          "The card, the datasheet and the changelog are files of the project; dataset.toml names them.",
          "no DATASHEET.md"),
    _code("R008", "config-without-rows", N, "a config has no rows and is left out",
          "Loaders break on empty splits, so a split without rows is not written, nor a config without splits.",
          "no article has quotes"),
    _code("R009", "release-replaced", N, "a release of this version existed and was replaced",
          "The bytes changed since the last build of this version. Once it is published, raise the version instead.",
          "a label corrected and built again"),
    _code("R010", "card-invalid", E, "the card would not be valid on the Hub",
          "Its metadata holds a value that the Hub's lists do not have.", "language: english"),
    _code("R011", "build-running", E, "another build of this dataset is running",
          "One build at a time writes to an output folder; the lock goes when that build ends or dies.",
          "two builds started at once"),
    _code("R012", "document-changed", E, "a checked-in file was changed while the build ran",
          "The build keeps the ledger and the generated parts of the datasheet. It does not write over what somebody "
          "saved meanwhile: with a changed ledger it stops; a changed datasheet is left as it is, with a warning.",
          "an answer saved in DATASHEET.md during a build", "build again"),
    _code("R013", "worker-died", E, "a worker process ended before its task did",
          "The system ended it, most often for want of memory. Nothing is wrong with the data as far as is known.",
          "the kernel's out-of-memory killer", "use fewer --workers, or a smaller --block-size"),
    _code("R014", "version-too-small", E, "the version does not say how much has changed",
          "The difference to the release before asks for a larger step: a major one where a reader or a reported score "
          "may break, a minor one for additions, a patch for the same rows. docs/versions.md has every rule.",
          "a corrected label in test, and version 1.0.1", "`copydesk release` sets the version that is needed"),
    _code("R015", "release-before-missing", W, "the release before is not here, so only the ledger was compared",
          "What changed in the contract and in annotations can only be told from the release itself.",
          "a fresh clone without dist/", "put it into the output folder, or name it: [release] previous = PATH"),
    _code("R016", "version-yanked", E, "this version was yanked",
          "data/yanked.jsonl says why. Its number is used up.", "building 1.1.0 after `copydesk yank 1.1.0`",
          "build a later version"),
    # V: verify
    _code("V001", "release-file-missing", E, "a file of the manifest is missing",
          "The release is incomplete.", "a Parquet file that was not downloaded"),
    _code("V002", "release-file-differs", E, "a file differs from the manifest",
          "Its size or SHA-256 is not the one that was sealed.", "an edited README.md"),
    _code("V003", "release-file-unlisted", E, "a file is not in the manifest",
          "Loaders may pick it up; it is no part of the release.", "a stray train-old.parquet"),
    _code("V004", "release-rows-differ", E, "rows differ from their logical digest",
          "The rows of a split, in canonical form, do not give the digest of the manifest.", "one changed label"),
    _code("V005", "release-row-invalid", E, "a row breaks the contract of its config",
          "Rows are held against schema/<config>.schema.json of the release.", "a null where none is allowed"),
    _code("V006", "release-features-differ", E, "card, Parquet files and contract disagree on the columns",
          "A loader that trusts one of them reads other values than one that trusts another.",
          "label names in another order"),
    _code("V007", "release-group-straddles", E, "a group stands in two splits",
          "The ledger of the release puts articles of one group in different splits, or a row stands outside the "
          "split that the ledger gives its article.", "a row moved by hand"),
    _code("V008", "release-number-stale", E, "a number in a document does not come from the release",
          "A generated block or value differs from what the release's files give.", "an edited count in README.md"),
    _code("V009", "not-a-release", E, "this is not a release",
          "There is no readable manifest.json.", "an empty folder"),
    _code("V010", "certificate-differs", E, "the leakage certificate is not what the texts give",
          "quality/leakage.json says how similar the most similar articles of different splits are; computed again "
          "from the rows of the release it comes out otherwise.", "a similarity that was edited"),
    # D: differences
    _code("D001", "side-unreadable", E, "one of the two sides cannot be read",
          "A side of `copydesk diff` is the folder or archive of a release, the folder of a project, a git revision of "
          "one, or the address of an archive.", "copydesk diff 1.0.0 dist/x, and no such release or revision"),
)
# fmt: on

CODES: dict[str, Code] = {code.id: code for code in _TABLE}
