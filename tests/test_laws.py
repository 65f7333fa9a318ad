"""The laws of the house, read from the source: imports point down, each library has one home, starting is fast."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

SOURCE = ROOT / "src" / "copydesk"

LAYERS = [
    ["__main__"],
    ["cli"],
    ["cli_profile"],
    ["cli_cache", "cli_formats", "cli_groups", "cli_versions", "cli_release", "cli_withdraw"],
    ["cli_output", "cli_parser"],
    ["sides", "bumping", "withdrawal"],
    ["scaffold", "build", "adopt", "convert"],
    ["versions"],
    ["previous"],
    ["running"],
    ["profile"],
    ["cache"],
    ["describe", "prepare", "readback", "staging"],
    ["release.verify"],
    ["release"],
    ["diff"],
    ["expectations"],
    ["plan"],
    ["leakage"],
    ["links"],
    ["barrier", "agreement"],
    ["reliability"],
    ["write", "stage"],
    ["heads", "judge"],
    ["release.model"],
    ["writers"],
    ["views"],
    ["spool", "cache.verdicts"],
    ["cache.store", "cache.keys", "cache.made"],
    ["tombstones"],
    ["splits"],
    ["decisions"],
    ["grouping"],
    ["components"],
    ["nearcopies"],
    ["shingles"],
    ["engine"],
    ["exporters"],
    ["draft"],
    ["survey"],
    ["importers"],
    ["articles"],
    ["checks"],
    ["cutting"],
    ["sources"],
    ["archives"],
    ["waivers"],
    ["project"],
    ["contract"],
    ["arrays", "attempts", "jsontext", "semver", "shortage", "xmltext", "yamltext"],
    ["diagnostics"],
    [""],
]
"""Each line may import only lines below it, and its own folder."""

HOMES = {
    "datasets": {"readback.loaders"},
    "mlcroissant": {"readback.croissant"},
    "great_expectations": {"expectations.rows"},
    "duckdb": {"expectations.tables"},
    "jsonschema": {"contract.explain"},
    "referencing": {"contract.explain"},
    "jsonschema_rs": {"contract.validate"},
    "orjson": {"jsontext"},
    "yaml": {"yamltext", "importers.gate.bdoc"},
    "regex": {"checks.graphemes", "articles.offsets"},
    "numpy": {
        *("arrays", "barrier", "links", "plan", "reliability", "shingles"),
        *("heads.columns", "heads.files", "heads.lost"),
        *("splits.lines", "splits.plain", "splits.released", "splits.table"),
        *("components", "grouping"),
        *("nearcopies", "nearcopies.alike", "nearcopies.compare", "nearcopies.crowded", "nearcopies.index"),
        *("nearcopies.measures", "nearcopies.samples", "nearcopies.search", "nearcopies.work"),
        *("spool", "contract.columnar", "release.facts", "writers.lines"),
    },
    "lxml": {"xmltext"},
    "conllu": {"importers.conllu"},
    "spacy": {"importers.docbin", "exporters.docbin"},
    "cassis": {"importers.cas", "exporters.cas"},
    "dask": {"engine.dask"},
    "distributed": {"engine.dask"},
    "ray": {"engine.ray"},
}
"""Third-party library -> the only modules that import it. pyarrow is the currency of the pipeline, and everywhere."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
        yield name.removesuffix("__init__").removesuffix("."), path


def imports(path: Path, *, with_types: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped.update(inner for statement in node.body for inner in ast.walk(statement))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> int:
    """The line of the house on which a module stands: that of its longest prefix."""
    parts = module.split(".")
    for length in range(len(parts), -1, -1):
        prefix = ".".join(parts[:length])
        for number, names in enumerate(LAYERS):
            if prefix in names and (prefix or module == ""):
                return number
    raise AssertionError(f"{module} stands on no line of LAYERS")


MODULES = list(modules())


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name or "copydesk" for name, _ in MODULES])
def test_imports_point_down(module: str, path: Path) -> None:
    known = {name for name, _ in MODULES}
    for imported in imports(path):
        if imported != "copydesk" and not imported.startswith("copydesk."):
            continue
        target = imported.removeprefix("copydesk").removeprefix(".")
        if target not in known or target == module:
            continue
        same_folder = target.split(".")[0] == module.split(".")[0] and layer(target) == layer(module)
        assert layer(target) > layer(module) or same_folder, f"{module} may not import {target}"


@pytest.mark.parametrize("library", HOMES)
def test_each_library_has_one_home(library: str) -> None:
    users = {module for module, path in MODULES if any(i.split(".")[0] == library for i in imports(path))}
    assert users == HOMES[library]


def test_every_dependency_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "# " in line, requirement


def test_files_and_functions_stay_readable() -> None:
    for module, path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, module
        tree = ast.parse(text)
        assert ast.get_docstring(tree), module
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{module}.{node.name}"


def loaded_after(*argv: str, cwd: Path) -> set[str]:
    """The top-level modules that a command has imported when it ends."""
    program = (
        "import sys, atexit; sys.argv = ['copydesk', *sys.argv[1:]]\n"
        "atexit.register(lambda: print('LOADED', *sorted({m.split('.')[0] for m in sys.modules})))\n"
        "from copydesk.cli import main\n"
        "sys.exit(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED"))
    return set(line.split()[1:])


def test_help_and_check_load_nothing_heavy(project: Path) -> None:
    assert loaded_after("--help", cwd=project).isdisjoint(
        {"great_expectations", "datasets", "pandas", "pyarrow", "duckdb", "mlcroissant", "jsonschema"}
    )
    checked = loaded_after("check", cwd=project)
    assert "pyarrow" in checked
    assert checked.isdisjoint({"great_expectations", "datasets", "pandas", "mlcroissant", "duckdb"})
