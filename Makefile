# `make demo` and `make test` set up all they need, system packages included.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# One base layer for the demo and the tests; it takes a minute to make and is kept.
export RDO_PLATFORMS ?= $(CURDIR)/.cache/platforms

# Tests at a time; those of one file stay together, in their order.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test lint types layers unit tools rounds e2e bench system clean

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo/run build/demo

test: lint types layers unit tools rounds e2e

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

unit: $(READY)
	$(PYTEST) tests/unit src

tools: $(READY)
	$(PYTEST) tests/tools

rounds: $(READY)
	$(PYTEST) tests/rounds

e2e: $(READY)
	$(PYTEST) tests/e2e

bench: $(READY)
	$(BIN)/python -m benchmarks

system:
	packaging/install-system-packages

$(READY): pyproject.toml packaging/apt.txt packaging/dnf.txt
	packaging/install-system-packages
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .cache build
