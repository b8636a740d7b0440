# Everything a user or CI types. Override the interpreter with PYTHON=python3.12.
PYTHON ?= python3
PROFILE ?= quick
SCENARIO ?=
# How many files of tests run at once: more than there are cores, for many wait for what they started. One alone: PARALLEL=
WORKERS ?= 4
PARALLEL ?= -n $(WORKERS) --dist loadfile --no-loadscope-reorder
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup-done

.PHONY: setup bench ui test coverage test-e2e test-long check clean

setup: $(SETUP)
	@$(BIN)/python -m harness.local.mariadb_fetch

$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; give one: make PYTHON=/path/to/python3.12 setup" >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "this Python can't make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(SETUP)

bench: setup
	$(BIN)/dbharness run --profile $(PROFILE)

ui: setup
	exec $(BIN)/dbharness ui $(SCENARIO)

test: setup
	$(BIN)/python -m pytest $(PARALLEL) --durations=15 -m "not slow"

# The same, traced, which takes longer: not for every change.
coverage: setup
	$(BIN)/python -m pytest --cov --cov-report=term -m "not slow"

test-e2e: setup
	@tools/need-chromium
	$(BIN)/python -m pytest tests/e2e

test-long: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.lint_stack

clean:
	-@test -x $(BIN)/dbharness && $(BIN)/dbharness services down
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage *.egg-info build
