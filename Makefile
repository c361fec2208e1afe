# make                  sets up, runs the pipeline, and shows what came out
# make test             sets up, and runs lint, format check, type check, import rules and tests
# make playground       puts the browser's page together and serves it (needs npm)
# make playground-test  tests the page in Chromium (needs npm and Chromium)

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# What JavaScript needs; its tests join in where npm is installed.
MODULES := js/node_modules/.installed
EXAMPLE := examples/node/node_modules/.installed
HAS_NPM := $(shell command -v npm)
ORT := js/node_modules/onnxruntime-web/dist
VENDOR := playground/vendor

.PHONY: all test playground playground-test vendor
.DELETE_ON_ERROR:

all: $(VENV)/train.installed
	@dvc repro
	@echo
	@nextword info
	@echo
	@sed -n 's/^prompt *//p' samples.txt | head -n 1 | nextword generate

test: $(VENV)/dev.installed $(if $(HAS_NPM),$(MODULES) $(EXAMPLE))
	ruff check
	ruff format --check
	mypy
	lint-imports
	pytest

playground: vendor
	@echo "http://localhost:8000 (Ctrl-C ends it)"
	@python -m http.server 8000 --bind 127.0.0.1 --directory playground

playground-test: vendor
	npm run --prefix js test:playground

vendor: $(VENV)/train.installed $(MODULES)
	@dvc repro --quiet export
	@mkdir -p $(VENDOR)
	@cp $(ORT)/ort.wasm.min.mjs $(ORT)/ort-wasm-simd-threaded.mjs $(ORT)/ort-wasm-simd-threaded.wasm $(VENDOR)
	@cp -r js/nextword.js js/nextword models/nextword.int8.onnx $(VENDOR)

$(VENV)/train.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/dev.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@ $(VENV)/train.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

%/node_modules/.installed: %/package.json %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@
