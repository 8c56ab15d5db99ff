# Needs Python 3.11 or newer, git and make. Everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Where this is set, as it is in many containers, each of the hundreds of krakenctls that are started compiles itself anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check format bench chaos clean
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: pyproject.toml krakenctl/__init__.py
	$(PYTHON) -c 'import sys; sys.exit("krakenctl needs Python 3.11 or newer; try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed ## a trading desk on the embedded sandbox, from nothing to in order
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

test: $(VENV)/installed ## the whole test suite, on every core
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/installed ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) --no-print-directory test

format: $(VENV)/installed ## put the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/installed ## start-up, plan, apply, a quarter of a year and the sandbox, beside what they are compared with
	$(BIN)/python benchmarks/bench.py all
	$(BIN)/python benchmarks/accounts.py
	$(BIN)/python benchmarks/year.py
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/journal.py

chaos: $(VENV)/installed ## every run struck everywhere by everything (docs/chaos.md); hours on two cores
	$(BIN)/python benchmarks/chaos.py
	$(BIN)/python benchmarks/chaos.py --imports

clean: ## remove what make and the demo made
	rm -rf $(VENV) .demo dist .mypy_cache .ruff_cache .hypothesis
