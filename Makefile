# Every target sets up what it needs; `make` alone says what there is.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help install demo test test-hard lint bench docs screens clean lock
help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Crosswalk needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install -q --require-hashes -r requirements.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/pip install -q --require-hashes -r requirements-dev.txt
	@touch $@

install: .venv/installed  ## a .venv in the checkout, with .venv/bin/crosswalk

demo: .venv/installed  ## sandbox, hub and 300 records between them (ONCE=1 ends by itself)
	@$(BIN)/crosswalk demo $(if $(ONCE),--once)

lint: .venv/installed-dev  ## style, types, spelling, stale pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python tools/pages.py --check

test: lint  ## lint, types and every test at small numbers
	$(BIN)/pytest

test-hard: .venv/installed-dev  ## the same tests at their full numbers
	CROSSWALK_TEST_HARD=1 $(BIN)/pytest -m hard

.bench/installed: bench/requirements.txt
	$(PYTHON) -m venv .bench
	.bench/bin/pip install -q -r bench/requirements.txt
	@touch $@

bench: .venv/installed-dev .bench/installed  ## measure, side by side with peers
	BENCH_PEERS=.bench/bin/python $(BIN)/python bench/run.py $(NAME)

docs: .venv/installed-dev  ## write the generated pages again
	$(BIN)/python tools/pages.py

screens: .venv/installed-dev  ## take a picture of every page of the console
	$(BIN)/python tools/screens.py

lock: .venv/installed-dev  ## pin every dependency again
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade tools/build.in pyproject.toml --extra dev -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade tools/build.in pyproject.toml -c requirements-dev.txt -o requirements.txt

clean:  ## remove what was made
	rm -rf .venv .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
