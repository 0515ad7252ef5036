# Every command a developer or a newcomer needs. `make` lists them.

#: Python to make .venv with; python3 when not given. A .venv made with another one is made anew.
PYTHON ?=
VENV := .venv
#: cpu, or gpu (CUDA 12) or gpu-cu13 (CUDA 13): which inference runtime `make setup` installs. What is
#: installed stays: `make up` after `make setup RUNTIME=gpu` must not put the CPU's in its place.
RUNTIME ?= $(or $(patsubst $(VENV)/.installed-%,%,$(firstword $(wildcard $(VENV)/.installed-*))),cpu)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(RUNTIME)
#: Tests that run on all cores at once, as do those of tests/integration without the marker `fleet`;
#: those that take longest first, so that no core has one of them left at the end.
ALONGSIDE := tests/fuzz tests/properties tests/contract tests/unit tests/architecture
AT_ONCE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
#: Those of whole fleets, two at a time: they mostly wait for others, and no more of them fit into
#: the memory of a small machine.
FLEETS := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup test nightly fuzz lint fmt up demo bench gpu-check lock ci clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv (RUNTIME=gpu or gpu-cu13 for a CUDA machine)

# A Python that is named is compared with that of .venv, however new the installation is.
ifneq ($(PYTHON),)
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml requirements/dev.txt requirements/dev-gpu.txt requirements/dev-gpu-cu13.txt scripts/setup.sh
	@PYTHON=$(PYTHON) RUNTIME=$(RUNTIME) sh scripts/setup.sh $(VENV)

demo: setup ## Fetch weights, start everything, find the faces in real photos, stop everything
	@$(BIN)/facesocial demo

up: setup ## Start store, workers, gateway and monitor; Ctrl-C stops them (ARGS="--simulate-gpu 6144")
	@$(BIN)/facesocial up $(ARGS)

test: setup ## Run all tests (TESTS=tests/unit: only those)
ifdef TESTS
	$(BIN)/python -m pytest $(TESTS) $(ARGS)
else
	@$(BIN)/python -m coverage erase
	@status=0; \
	$(BIN)/python -m pytest $(ALONGSIDE) $(AT_ONCE) \
	  --cov --cov-report= --cov-fail-under 0 $(ARGS) || status=$$?; \
	$(BIN)/python -m pytest tests/integration -m fleet $(FLEETS) --cov --cov-append --cov-report= \
	  --cov-fail-under 0 $(ARGS) || status=$$?; \
	$(BIN)/python -m pytest tests/integration -m "not fleet" $(AT_ONCE) \
	  --cov --cov-append --cov-report=term:skip-covered $(ARGS) || status=$$?; \
	exit $$status
endif

nightly: setup ## Search the ledger's properties for hours
	$(BIN)/python -m pytest tests/properties --hypothesis-profile=nightly $(ARGS)

fuzz: setup ## Make up requests for every route, for longer
	$(BIN)/python -m pytest tests/fuzz --fuzz-all --fuzz-examples 50 $(ARGS)

lint: setup ## Check format, rules, types, layering and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

fmt: setup ## Format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure HTTP against the in-process loop
	$(BIN)/python -m benchmarks baseline $(ARGS)

# Not after `setup`: in a new tree without RUNTIME that would install the CPU's runtime.
gpu-check: ## Check the whole GPU path on a real card; see docs/gpu-check.md
	@test -x $(BIN)/python || { echo "Run 'make setup RUNTIME=gpu' first, or RUNTIME=gpu-cu13."; exit 1; }
	$(BIN)/python -m benchmarks gpu-check --out build/gpu-check.json --page docs/gpu-check.md $(ARGS)

lock: setup ## Write the locked requirements anew
	@PATH="$(abspath $(BIN)):$$PATH" sh requirements/lock.sh

ci: lint demo test ## What continuous integration runs

clean: ## Delete what was built; downloads of weights stay
	rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
