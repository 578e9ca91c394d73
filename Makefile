# make demo | make test | make check | make bench: each sets up .venv first, and needs Python 3.11 and make alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TASKS := 'vienna_runtime/*.py' 'actors/*.py' 'transport/*.py'

.PHONY: demo test check strace bench clean help
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
	$(BIN)/flake8-async --enable=ASYNC102,ASYNC103 $$(git grep -lE '\b(async|await|Cancelled)\b|except( BaseException.*)?:' -- $(TASKS))
	$(BIN)/lint-imports --no-cache

test: check strace
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Some tests watch, or fail, system calls.  Where it cannot be installed they are skipped and say so.
strace:
	@command -v strace >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -qq -y strace || { apt-get update -qq && apt-get install -qq -y strace; }; } >/dev/null 2>&1; } \
	  || echo "strace is not there: the tests that need it are skipped"

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info
