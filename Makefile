# Everything a newcomer needs. `make run` and `make test` set up what is missing by themselves.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test setup setup-dev lint types bench proof clean
.NOTPARALLEL:

PY := .venv/bin/python

# The first Python 3.11 there is. PYTHON=/path/to/python3.11 comes first.
FIND_PYTHON = for p in "$$PYTHON" python3.11 python3 python "$$HOME"/.pyenv/versions/3.11*/bin/python; do \
	if [ -n "$$p" ] && "$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then break; fi; p=; done; \
	if [ -z "$$p" ]; then echo "Python 3.11 was not found. Install it, or say where it is: make PYTHON=/path/to/python3.11 $@" >&2; exit 1; fi

help:
	@echo "make run     set up, start everything, print the address (PORT=8000, MARKET_ARCHIVE=DIR, REPLAY_FROM=DATE)"
	@echo "make test    everything that must hold: lint, types, contracts, checks, all tests"
	@echo "make setup   only the virtual environment      make lint, make types   single stages"
	@echo "make bench   speed and memory                  make proof   slow evidence"
	@echo "make clean   caches and the virtual environment; var/ (your data) stays"

setup:
	@$(FIND_PYTHON); "$$p" requirements/install.py base

setup-dev:
	@$(FIND_PYTHON); "$$p" requirements/install.py dev

run: setup
	@exec $(PY) manage.py up

test: setup-dev
	@$(PY) -m tests.stages

lint: setup-dev
	@$(PY) -m tests.stages lint

types: setup-dev
	@$(PY) -m tests.stages types

bench: setup-dev
	@$(FIND_PYTHON); "$$p" requirements/install.py bench
	@$(PY) -m pytest -m benchmark -s -p no:cacheprovider

proof: setup-dev
	@$(PY) -m pytest -m proof -s -p no:cacheprovider

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
	@echo "Clean. Your data is still in var/."
