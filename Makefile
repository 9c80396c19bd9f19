PYTHON ?= python3
BIN := .venv/bin
# Side by side: most system tests wait for sockets and processes rather than compute. More of them disturb each other.
JOBS ?= 3
READY := .venv/.ready
LOWEST := .venv-lowest

.DEFAULT_GOAL := help
.PHONY: help setup run test lowest check soak bench bench-check docs format clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Lapel needs Python 3.11 to 3.13: make PYTHON=/path/to/python3.11" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	@echo "setting up .venv (some 150 MB the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[axis,cluster,evidence,fleet,s3,dev]'
	@touch $@

setup: $(READY)  ## make .venv with pinned versions

run: $(READY)  ## four cameras and a broker for a minute; VIDEO=file or address for real footage
	@$(BIN)/lapel-fleet demo $(if $(VIDEO),--video "$(VIDEO)")

test: $(READY)  ## every test that does not take long
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not soak and not bench"

lowest: $(READY)  ## the same tests with the lowest versions that pyproject.toml allows
	@$(PYTHON) -m venv $(LOWEST)
	@$(BIN)/python .ci/lowest_versions.py > $(LOWEST)/constraints.txt
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/constraints.txt -e '.[axis,cluster,evidence,fleet,s3,dev]'
# Generated pages are compared where the versions are pinned: older ones of msgspec order a schema differently.
	@$(LOWEST)/bin/python -m pytest -n $(JOBS) --dist worksteal -m "not soak and not bench" --ignore tests/test_docs.py

check: $(READY)  ## lint, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## put the code in shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

soak: $(READY)  ## hundreds of kills, long runs
	@$(BIN)/python -m pytest -m soak

bench: $(READY)  ## every figure beside its peer or bound; makes docs/performance.md. SHORT=1: a part of it
	@$(BIN)/python -m bench $(if $(SHORT),--short)

bench-check: $(READY)  ## a few ratios of CPU time beside the recorded ones, in half a minute
	@$(BIN)/python -m bench --check

docs: $(READY)  ## regenerate the documentation that comes from the code
	@$(BIN)/python -m docs.generate
	@$(BIN)/python docs/wiring.py

clean:  ## remove what was generated
	@rm -rf .venv $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
