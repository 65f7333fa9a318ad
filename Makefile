# One word per daily task. Each works on a fresh clone; `make` builds the dataset.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: build test explore check lint bench bless pins

build: .venv/ready
	$(BIN)/python build_dataset.py

check: .venv/ready
	$(BIN)/copydesk check

test: .venv/ready
	$(BIN)/python -m pytest -n 2

# Property tests with new examples, ten times as many; what is found becomes an @example.
explore: .venv/ready
	EXPLORE=explore $(BIN)/python -m pytest -n 2

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: .venv/ready
	$(BIN)/python bench/stages.py
	$(BIN)/python bench/formats.py
	$(BIN)/python bench/nearcopies.py
	$(BIN)/python bench/diff.py

# Rewrite the golden renderings of the diagnostics, and bring ledger and datasheet up to date; review the difference.
bless: .venv/ready
	BLESS=1 $(BIN)/python -m pytest tests/test_codes.py
	$(BIN)/python build_dataset.py

# Pin every dependency, with hashes and without addresses. Needs uv.
pins:
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate ../pyproject.toml backend.in -o build.txt
	cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --extra test -c build.txt ../pyproject.toml backend.in -o test.txt

.venv/ready: requirements/test.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r requirements/test.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@
