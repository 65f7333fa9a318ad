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

# All benchmarks into bench/README.md, in one sitting: make bench SIZE=100000 BUDGET=60 (articles, minutes).
SIZE ?= 10000
BUDGET ?= 1440
bench: .venv/ready .venv-bench/tried
	$(BIN)/python bench/run.py --articles $(SIZE) --budget $(BUDGET)

# The peers that are measured against; one that cannot be installed is told as such, and the rest is measured.
.venv-bench/tried: bench/requirements.txt
	-$(PYTHON) -m venv .venv-bench && .venv-bench/bin/python -m pip install -q -r bench/requirements.txt
	mkdir -p .venv-bench && touch $@

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
