# `make` alone lists the verbs.
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help run worker test lint bench faults soak protocol clean

# make run WEBS=2 WORKERS=2: so many processes of each.
ifdef WEBS
export RUSHES_WEBS := $(WEBS)
endif
ifdef WORKERS
export RUSHES_WORKERS := $(WORKERS)
endif

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serve the studio: sets up what is missing first. WEBS=2 WORKERS=2 runs several (Ctrl-C ends it)
	@$(PYTHON) tools/setup.py
	@exec .venv/bin/python manage.py up

worker: ## Render for a studio on another machine (docs/OPERATIONS.md)
	@$(PYTHON) tools/setup.py --worker
	@exec env RUSHES_WEBS=0 .venv/bin/python manage.py up

test: ## Set up what is missing, then run every check and test
	@$(PYTHON) tools/setup.py --dev
	@$(PYTHON) tools/check.py

lint: ## Ruff and mypy only
	@$(PYTHON) tools/setup.py --dev
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

bench: ## Measure what the studio must reach, and print the table
	@$(PYTHON) tools/setup.py --dev
	@$(PYTHON) tools/bench.py

faults: ## Break every part on purpose, each many times (about an hour; make test does each a few times)
	@$(PYTHON) tools/setup.py --dev
	@RUSHES_FAULTS=long .venv/bin/python -m pytest tests/faults -s

soak: ## Rooms that type and generate for SOAK_MINUTES (20): does anything grow?
	@$(PYTHON) tools/setup.py --dev
	@.venv/bin/python -m tests.bench.soak

protocol: ## Write static/src/protocol.ts from studio/live/protocol.py
	@.venv/bin/python manage.py protocol_ts

clean: ## Remove what was built (not your data in .rushes/)
	rm -rf .venv node_modules static/dist .mypy_cache .ruff_cache .pytest_cache
