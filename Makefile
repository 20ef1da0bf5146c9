# `make` alone lists the verbs.
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help run test lint bench protocol clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing, then serve the studio (Ctrl-C ends it)
	@$(PYTHON) tools/setup.py
	@exec .venv/bin/python manage.py up

test: ## Set up what is missing, then run every check and test
	@$(PYTHON) tools/setup.py --dev
	@$(PYTHON) tools/check.py

lint: ## Ruff and mypy only
	@$(PYTHON) tools/setup.py --dev
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

bench: ## Measure what the studio must reach, and print the table
	@$(PYTHON) tools/setup.py --dev
	@.venv/bin/python -m tests.bench

protocol: ## Write static/src/protocol.ts from studio/live/protocol.py
	@.venv/bin/python manage.py protocol_ts

clean: ## Remove what was built (not your data in .rushes/)
	rm -rf .venv node_modules static/dist .mypy_cache .ruff_cache .pytest_cache
