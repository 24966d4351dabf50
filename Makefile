# Everything a developer types. Each goal does all of it on a fresh Debian or Ubuntu with Python 3.11 or
# newer: virtual environment, pinned packages, and for test, check and bench the system packages they need.
# ARGS goes to the program behind the goal: make test ARGS="-k lifecycle -x"

.DEFAULT_GOAL := help
.NOTPARALLEL: # goals share the virtual environment and apt; pytest brings parallelism of its own

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
ARGS :=
# Most of the tests' time is waiting: two of them a core keep it busy.
WORKERS := $(shell echo $$(( $$(nproc) * 2 )))

# nginx and ip live there; a user's PATH on Debian lacks it.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

$(STAMP): pyproject.toml constraints.txt scripts/make-venv.sh
	@scripts/make-venv.sh $(VENV)
	@touch $@

.PHONY: demo
demo: $(STAMP) ## see it work: a test card on air, and how to break it; needs no FFmpeg, no root
	@$(BIN)/neverdark demo $(ARGS)

.PHONY: test
test: $(STAMP) ## all tests, against real FFmpeg, nginx-rtmp and Prometheus
	@scripts/system-packages.sh test
ifeq ($(strip $(ARGS)),)
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not alone"
	$(BIN)/pytest -m alone || test $$? -eq 5 # 5: none is marked so
else
	$(BIN)/pytest $(ARGS)
endif

.PHONY: check lint types imports metrics
check: lint types imports metrics ## lint, types, who may import whom, promtool on a live scrape

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/pytest -q tests/unit/test_import_direction.py

metrics: $(STAMP)
	@scripts/system-packages.sh check
	$(BIN)/python -m scripts.check_metrics

.PHONY: dashboards
dashboards: $(STAMP) ## build them, and run every panel's query against a real Prometheus; ARGS="--serve 9090"
	@scripts/system-packages.sh dashboards
	$(BIN)/python -m scripts.build_dashboards
	$(BIN)/python -m scripts.check_dashboards $(ARGS)

.PHONY: bench
bench: $(STAMP) ## how fast: a table with machine, versions and series count
	@scripts/system-packages.sh bench
	$(BIN)/python -m bench $(ARGS)

.PHONY: soak
soak: $(STAMP) ## ten streams and fault after fault, for ten minutes; ARGS="--minutes 2 --seed 7"
	@scripts/system-packages.sh soak
	$(BIN)/python -m bench.soak $(ARGS)

.PHONY: simulate
simulate: $(STAMP) ## the whole supervisor in virtual time, with faults by a seed; ARGS="--hours 72 --streams 20 --seed 7"
	@$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: format
format: $(STAMP) ## what lint can mend by itself
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: constraints
constraints: ## renew constraints.txt: the newest versions that pyproject.toml allows
	@scripts/renew-constraints.sh

.PHONY: clean
clean: ## remove what was made here, the virtual environment included; never neverdark-data
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
