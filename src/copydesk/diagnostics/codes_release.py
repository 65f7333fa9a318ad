"""The codes about what goes out: expectations, the release, what verify and diff say of one."""

from __future__ import annotations

from copydesk.diagnostics.code import Code, Severity
from copydesk.diagnostics.code import code as _code

E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# fmt: off
RELEASE_CODES: tuple[Code, ...] = (
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
    _code("R013", "worker-died", E, "a task ended its worker every time",
          "The system ended the process, most often for want of memory, or a library crashed. The task was tried three "
          "times, in the end alone; all other tasks were done. As a note: tasks ran again after their worker or its "
          "machine was lost, and the build went on.",
          "a record that needs more memory than there is",
          "a smaller --block-size narrows it down (1: a task for each record); fewer --workers leave each more memory"),
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
    _code("R017", "engine-lost", E, "there is nothing left that could run tasks",
          "The scheduler of the cluster cannot be reached, its last worker is gone, or a worker cannot take part: it "
          "has another version of copydesk, of Python or of a library that makes bytes, or does not see the folders.",
          "--scheduler tcp://… after the scheduler was stopped",
          "build again when the cluster is up, or without --scheduler"),
    _code("R018", "cache-damaged", W, "the cache held something else than was put there",
          "Every entry has its digests, and is held against them when it is taken. What differs is thrown away, and "
          "the work is done anew: the release is not affected. If it happens again, look at the disk.",
          "a file in dist/.cache-… that was edited, or cut off by a full disk"),
    _code("R019", "out-of-memory", E, "there was not enough memory",
          "This process asked for memory that the system, or a limit set for it, did not give. Nothing is wrong with "
          "the data as far as is known, and what was released before is untouched.",
          "a container with 512 MB", "give it more, or use fewer --workers, a smaller --block-size, less --memory"),
    _code("R020", "cache-not-kept", N, "nothing can be kept for the next build",
          "The folder of the cache cannot be written, or the disk is nearly full. The build does without.",
          "a cache on a disk that is mounted read-only", "another --cache DIR, or --no-cache"),
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
