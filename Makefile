# make       sets up, runs the pipeline, and shows what came out
# make test  sets up, and runs lint, format check, type check, import rules and tests

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: all test
.DELETE_ON_ERROR:

all: $(VENV)/train.installed
	@dvc repro
	@echo
	@nextword info
	@echo
	@sed -n 's/^prompt *//p' samples.txt | head -n 1 | nextword generate

test: $(VENV)/dev.installed
	ruff check
	ruff format --check
	mypy
	lint-imports
	pytest

$(VENV)/train.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/dev.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@ $(VENV)/train.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
