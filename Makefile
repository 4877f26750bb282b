# Everything a checkout needs is set up by the first target that needs it, and only once.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup data demo test test-long check format bench up down package requirements fidelity clean

# Without bytecode LocalStack starts four times slower.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1
# An activated environment of another project must not become ours.
unexport VIRTUAL_ENV

UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
BIN := .venv/bin
# Two processes: each has an emulator of its own.
WORKERS ?= 2

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: .venv/.ready emulator/.venv/.ready build/.packaged  ## Install every environment and build the deployment zip (once)

data: .venv/.ready  ## Install the real data that tests and examples read (part of setup)

setup-sdk: tests/sdk/.venv/.ready tests/sdk/v2/.venv/.ready  ## Install SageMaker's SDKs as clients for the long tests (1.2 GB, once)

demo: setup  ## Start the emulator, deploy the application to it, call it, and take it down again
	@$(BIN)/mdlc demo

test: check  ## Static checks and every test that is not long (15 minutes at most)
	@$(BIN)/pytest -m "not long" -n $(WORKERS) --dist loadfile

test-long: setup setup-sdk  ## The long tests: faults, whole deployments, whole data
	@$(BIN)/pytest -m long -n $(WORKERS) --dist loadfile

check: setup  ## Lint, format, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd emulator && ../$(BIN)/mypy --python-executable .venv/bin/python src/mdlc_emulator/engine src/mdlc_emulator/guest
	@$(BIN)/mypy --python-version 3.10 emulator/src/mdlc_emulator/container emulator/src/mdlc_emulator/scripts
	@$(BIN)/lint-imports --no-cache

format: setup  ## Rewrite the code in the project's format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: setup  ## Measure against the targets and the peers, and write docs/benchmarks.md
	@$(BIN)/python -m benchmarks --write docs/benchmarks.md

up: setup  ## Start the emulator in the background
	@$(BIN)/mdlc up

down:  ## Stop the emulator
	@$(BIN)/mdlc down

package: setup  ## Build the deployment zip again if anything in it changed
	@$(BIN)/mdlc package

requirements: .venv/.ready  ## Export requirements.txt (what goes into Lambda) from uv.lock
	@$(BIN)/mdlc package --requirements

fidelity: setup  ## Write docs/fidelity.md anew: what each operation is worth
	@$(BIN)/python -m tests.docs.fidelity

clean:  ## Remove everything that set-up and builds have made
	rm -rf .venv .tools build dist emulator/.venv emulator/build tests/sdk/.venv tests/sdk/v2/.venv .chalice/deployments

# ---- set-up -------------------------------------------------------------------------------------------------

.tools/bin/uv:
	@echo "Installing uv $(UV_VERSION) ..."
	@python=; for candidate in python3.13 python3 python; do \
	  if $$candidate -c 'import venv, ensurepip' 2>/dev/null; then python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "No Python with venv was found. Install Python 3.13 (on Debian with python3-venv) or uv, then run make again." >&2; \
	  exit 1; fi; \
	$$python -m venv .tools && .tools/bin/pip -q install "uv==$(UV_VERSION)"

ifeq ($(UV),.tools/bin/uv)
UV_INSTALLED := .tools/bin/uv
endif

.venv/.ready: uv.lock pyproject.toml .python-version emulator/pyproject.toml | $(UV_INSTALLED)
	@echo "Installing the application's environment ..."
	@$(UV) sync --locked --quiet && touch $@

tests/sdk/.venv/.ready tests/sdk/v2/.venv/.ready: %/.venv/.ready: %/uv.lock %/pyproject.toml .python-version | $(UV_INSTALLED)
	@echo "Installing SageMaker's SDK into $* ..."
	@cd $* && $(abspath $(UV)) sync --locked --quiet && touch $(abspath $@)

emulator/.venv/.ready: emulator/uv.lock emulator/pyproject.toml .python-version | $(UV_INSTALLED)
	@echo "Installing the emulator's private environment ..."
	@cd emulator && $(abspath $(UV)) sync --locked --quiet --group engine
	@emulator/.venv/bin/python -m mdlc_emulator.environments --uv $(abspath $(UV))
	@touch $@

build/.packaged: .venv/.ready requirements.txt $(shell find app -name '*.py')
	@PATH="$(dir $(abspath $(UV))):$$PATH" $(BIN)/mdlc package && mkdir -p build && touch $@
