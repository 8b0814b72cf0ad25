# The whole interface for a newcomer: `make` prints it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .uv/bin/uv
RUN := .venv/bin
# Trust what the machine trusts: companies put their own authority between it and the package index.
export UV_SYSTEM_CERTS := true
ARGS ?=
# Tests on clusters mostly wait; those of one file share what they set up.
TWO_AT_A_TIME := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
N ?= 1000
PLAN ?=

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Berth needs Python 3.11 or newer; name one with PYTHON=...")'
	@echo "setting up uv $(UV_VERSION)" >&2
	@$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(UV)
	@echo "setting up the Python environment" >&2
	@$(UV) sync --quiet --locked --python $(PYTHON)
	@touch $@

.PHONY: setup
setup: .venv/.ready ## Set up the Python environment in .venv

.PHONY: lab
lab: setup ## Build the lab's programs and start a cluster (stop it with `.venv/bin/berth lab down`)
	@$(RUN)/berth lab up $(ARGS)

.PHONY: demo
demo: setup ## Show Berth at work on a real cluster (ARGS=--once: without a prompt, then clean up)
	@$(RUN)/berth demo $(ARGS)

.PHONY: test
test: setup ## Run all tests, those on a real cluster and real pods included (ARGS="tests/plan -q" for some)
	@$(RUN)/berth lab install-packages
	$(if $(ARGS),,@$(RUN)/berth lab build --with karpenter --with envoy-gateway > /dev/null)
	@$(RUN)/python -m pytest $(if $(ARGS),$(ARGS),$(TWO_AT_A_TIME))

.PHONY: bench
bench: setup ## Measure speed and cost against a floor of the same run (N=1000 Services; one JSON line a figure)
	@PYTHONPATH=tests $(RUN)/python -m bench --n $(N) $(ARGS)

.PHONY: faults
faults: setup ## Try every fault at every place on a scriptable API server (PLAN=O8/create replays some)
	@PYTHONPATH=tests PYTHONHASHSEED=0 $(RUN)/python -m faults --plan "$(PLAN)"

.PHONY: verify
verify: setup ## Check formats, types, layers, the CRDs and that generated files are up to date
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/pyright
	@$(RUN)/lint-imports
	@$(RUN)/python -m berth.gen --check
	@"$$($(RUN)/berth lab build)/crdcheck" $(filter-out %/kustomization.yaml %/Kustomization,$(wildcard crds/*.yaml))

.PHONY: format
format: setup ## Format the code
	@$(RUN)/ruff check --fix --quiet . || true
	@$(RUN)/ruff format .

.PHONY: generate
generate: setup ## Write crds/, RBAC, the chart's copies and docs/reference from the models and the table
	@$(RUN)/python -m berth.gen

.PHONY: golden
golden: setup ## Rewrite the golden cases, then read the diff as a user would
	@$(RUN)/python -m pytest -q tests/plan tests/importer/test_cases.py --update-golden

.PHONY: run
run: setup ## Run the operator against the current context, outside the cluster
	@$(RUN)/berth run $(ARGS)
