# `make demo` and `make test` set up all they need, system packages included.
PYTHON ?= python3

# test-newest and test-oldest set both, to check in virtual environments that they have made.
BIN := .venv/bin
READY := .venv/.ready

# The installed versions: locked, unless a target says otherwise.
LOCK := packaging/requirements.lock
UV := uv==0.13.9

# One base layer for the demo and the tests; it takes a minute to make and is kept.
export RDO_PLATFORMS ?= $(CURDIR)/.cache/platforms
# Compiled modules are kept, as on a user's machine: the tests start `rdo` hundreds of times.
export PYTHONDONTWRITEBYTECODE :=

# Tests at a time; those of one file stay together, in their order.
WORKERS ?= 2
PYTEST := $(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PYTEST += --durations 12 --durations-min 8
QUICK := -m "not slow"

.PHONY: demo cloud test test-long test-postgresql test-as-user test-newest test-oldest lint types layers unit tools rounds e2e bench man coverage lock system clean

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo/run build/demo

# From the releases of OpenStack on PyPI to a cloud that answers, on a host of a lab; as root.
cloud: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/cloud/run build/cloud

# One run for all floors, so that no worker waits for the end of a floor; files of minutes first.
test: lint types layers $(READY)
	$(PYTEST) $(QUICK) tests/e2e tests/tools tests/rounds tests/unit src

# Tests that boot hosts, the suites on PostgreSQL, and what is marked slow: files of minutes first.
test-long: $(READY)
	$(PYTEST) -m "slow or long" tests/long tests/e2e tests/tools tests/rounds

# Before a release: the suites of publishing and promotion on PostgreSQL as well.
test-postgresql: $(READY)
	RDO_TEST_FURTHER_SUITES=1 $(BIN)/pytest -q tests/long/test_postgresql.py

# All that runs code of ours, without root rights. The other checks only read the source, which is
# the same for everybody.
test-as-user:
	packaging/test-as-user unit tools rounds e2e

# pyproject.toml allows a range of versions; these check both of its ends.
test-newest: .venv-newest/.ready
	$(MAKE) test BIN=.venv-newest/bin READY=

test-oldest: .venv-oldest/.ready
	$(MAKE) test BIN=.venv-oldest/bin READY=

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
	$(PYTEST) $(QUICK) tests/tools

rounds: $(READY)
	$(PYTEST) $(QUICK) tests/rounds

e2e: $(READY)
	$(PYTEST) $(QUICK) tests/e2e

bench: $(READY)
	$(BIN)/python -m benchmarks

# The manual pages, made from the help: `man -l build/man/man1/rdo-trunk-run.1`.
man: $(READY)
	$(BIN)/python -m rdo.cli.man_pages build/man/man1

# How much of the deciders that tests/deciders.py lists the unit tests alone reach.
coverage: $(READY)
	mkdir -p build
	$(BIN)/coverage run -m pytest -q -p no:xdist tests/unit
	$(BIN)/coverage json -q -o build/coverage.json
	$(BIN)/python -m tests.deciders build/coverage.json

system:
	packaging/install-system-packages

# Choose the newest versions again and lock them; commit the result.
lock: .venv-lock/bin/uv
	PATH="$(CURDIR)/.venv-lock/bin:$$PATH" packaging/lock $(LOCK)

.venv/.ready: pyproject.toml packaging/apt.txt packaging/dnf.txt $(LOCK)
	packaging/install-system-packages
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(call install_locked,.venv,$(LOCK))
	touch $@

# Resolved anew each time: what is newest changes.
.PHONY: .venv-newest/.ready
.venv-newest/.ready:
	packaging/install-system-packages
	test -x .venv-newest/bin/python || $(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager \
	    --editable '.[dev,postgresql]'
	.venv-newest/bin/pip freeze --all --exclude-editable

.venv-oldest/.ready: pyproject.toml packaging/apt.txt packaging/dnf.txt .venv-lock/bin/uv
	packaging/install-system-packages
	rm -rf .venv-oldest
	$(PYTHON) -m venv .venv-oldest
	PATH="$(CURDIR)/.venv-lock/bin:$$PATH" \
	    packaging/lock .venv-oldest/requirements.lock --resolution lowest-direct
	$(call install_locked,.venv-oldest,.venv-oldest/requirements.lock)
	touch $@

.venv-lock/bin/uv:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet $(UV)

# $(call install_locked,VENV,LOCK): only wheels whose hashes LOCK has, which is all that is needed,
# then rdo itself, built by the setuptools among them. A venv that was made before still has rdo under its former name.
define install_locked
test ! -d "$$(echo $(1)/lib/python3*/site-packages/rdo-0.1.0.dist-info)" || \
    $(1)/bin/python -m pip uninstall --quiet --yes rdo
$(1)/bin/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: --requirement $(2)
$(1)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endef

clean:
	rm -rf .venv .venv-newest .venv-oldest .venv-lock .cache build
