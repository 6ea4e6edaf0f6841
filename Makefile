# Every target sets up what it needs by itself: Python 3.11 or newer, pip and make are enough.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench docs notebooks lock clean

READY := .venv/.ready
BIN := .venv/bin
PYTHON ?=
export PYTHON

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv from requirements.lock, again when that or pyproject.toml changed

$(READY): requirements.lock pyproject.toml
	@.ci/setup
	@touch $@

demo: $(READY)  ## Data, baseline, training, benchmark and report on the built-in data set (ARGS for options)
	$(BIN)/rugged demo $(ARGS)

# One thread a worker: more would fight over the cores. Each worker begins with a part of its own, so that what a module
# makes for its tests is made once; whoever is done takes from the others.
test: $(READY)  ## Run the tests (ARGS="-m 'not slow'" for the quick ones)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

check: $(READY)  ## Lint, formatting, types, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## Mend formatting and what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)  ## Run the speed measurements of benchmarks/
	@for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

docs: $(READY)  ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: $(READY)  ## Write the guides of docs/guides/ as notebooks
	$(BIN)/python docs/hooks/notebooks.py

# The lock holds pins, markers and hashes for every system, and no index address: pip's own configuration decides that.
lock: $(READY)  ## Renew requirements.lock from pyproject.toml (ARGS=--upgrade for the newest versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --extra dev --extra docs --extra onnx --extra playground --extra video --extra tensorboard pyproject.toml --output-file requirements.lock $(ARGS)

clean:  ## Remove the environment, caches and built files
	rm -rf .venv build dist site src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
