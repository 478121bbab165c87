# Needs Python 3.11, 3.12 or 3.13 with `venv`, and make; nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PORT ?= 8000
ARGS ?=
BIN := .venv/bin
PYTHON := $(BIN)/python
LANGUAGES := ar zh_Hans fr ru es

# Everything on a developer's machine runs as the demo; what is set in the environment wins.
export PORTAL_DEMO ?= true
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1

.PHONY: help demo password test lint format check shell messages bench requirements clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.base ## run the whole portal on this computer: http://localhost:8000 (PORT=8001 for another port)
	@$(PYTHON) manage.py demo --port $(PORT)

password: .venv/.base ## give the demo's staff account a new password
	@$(PYTHON) manage.py demo --new-password

test: .venv/.test ## run every test (ARGS="-k search -x" to choose)
	@$(PYTHON) -m pytest $(ARGS)

lint: .venv/.dev ## run all checks of style and types, as CI does
	@$(BIN)/pre-commit run --all-files $(ARGS)

format: .venv/.dev ## format Python and templates
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/djlint --quiet --reformat templates || true
	@find templates -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} +

check: .venv/.base ## Django's own checks, and whether a migration is missing
	@$(PYTHON) manage.py check --database default
	@$(PYTHON) manage.py makemigrations --check --dry-run

shell: .venv/.base ## a Python shell with the models loaded
	@$(PYTHON) manage.py shell

messages: .venv/.base ## collect the words to translate into locale/ (needs gettext)
	@command -v xgettext >/dev/null || { echo "Install gettext first (Debian, Ubuntu: apt install gettext)."; exit 1; }
	@$(PYTHON) manage.py makemessages $(LANGUAGES:%=--locale=%) --no-wrap --add-location=file \
		--ignore='.venv/*' --ignore='var/*' --ignore='tests/*'

bench: .venv/.test ## measure the pages against their budgets
	@$(PYTHON) manage.py bench_dialogues
	@$(PYTHON) manage.py bench $(ARGS)

requirements: ## pin every dependency again from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@command -v uv >/dev/null || { echo "Install uv first (pip install uv)."; exit 1; }
	@mkdir -p requirements
	@$(COMPILE) -o requirements/base.txt
	@$(COMPILE) -c requirements/base.txt --extra test -o requirements/test.txt
	@$(COMPILE) -c requirements/test.txt --extra test --extra dev -o requirements/dev.txt

COMPILE = uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links $(ARGS)

clean: ## remove what the tools leave behind; the demo's data in var/ stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis var/static
	@find . -path ./.venv -prune -o -path ./var -prune -o -name __pycache__ -print | xargs rm -rf

# The environment ---------------------------------------------------------------
# One stamp for each list of packages: pip runs again only when the list changes.
.venv/.%: requirements/%.txt | .venv/bin/python
	@echo "Installing the packages of $< (the first time takes about a minute) ..."
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip --upgrade >/dev/null
	@$(PYTHON) -m pip install --quiet --require-hashes -r $<
	@touch $@

.venv/bin/python:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			$$python -m venv --clear .venv && exit 0; \
			echo "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv), then try again."; \
			rm -rf .venv; exit 1; \
		fi; \
	done; echo "The portal needs Python 3.11, 3.12 or 3.13, and none was found: install one of them, then try again."; exit 1

.PRECIOUS: .venv/.base .venv/.test .venv/.dev
