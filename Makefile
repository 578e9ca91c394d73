# make demo | make test | make check | make bench: each sets up .venv first, and needs Python 3.11 and make alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench clean help
help:
	@echo "make demo   the main job on real input, ending with a verified ledger"
	@echo "make test   lint, types, import contracts and the whole suite"
	@echo "make check  lint, types and import contracts only"
	@echo "make bench  the tables of bench/README.md"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/python -m vienna_runtime.demo $(DEMO)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/flake8-async --enable=ASYNC102,ASYNC103 $$(git ls-files 'vienna_runtime/*.py' 'actors/*.py' 'transport/*.py')
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/python -m pytest

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info
