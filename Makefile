# make                  sets up, runs the pipeline, and shows the results
# make test             sets up, and runs lint, format check, type check, import rules and tests
# make torture          disturbs the pipeline in all kinds of ways, for SECONDS with SEED, and prints a table
# make playground       builds the page for the browser and serves it (needs npm)
# make playground-test  tests the page in Chromium (needs npm and Chromium)
# make learn            repeats the changed experiments of the course, in about seven minutes
# make docs             builds the website of the documentation into site/, with the playground after `make vendor`
# make docs-test        opens each of its pages in Chromium without a network (needs npm and Chromium)
# make headers          downloads onnxruntime's headers for the C++ example (needs Debian's apt-get)
# make release-check    builds what would be published into dist/ and checks it as its users would (needs npm)
# make upgrade          renews constraints.txt except for PyTorch (or with TORCH=2.14.0), and runs the tests

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts;,bin:)$(PATH)

# What JavaScript needs; its tests run too if npm is installed.
MODULES := js/node_modules/.installed
EXAMPLE := examples/node/node_modules/.installed
HAS_NPM := $(shell command -v npm)
# So does the test of the C++ example, if there are a compiler and a way to get the headers.
HAS_CXX := $(and $(HAS_NPM),$(shell command -v c++),$(shell command -v apt-get))
ORT := js/node_modules/onnxruntime-web/dist
VENDOR := playground/vendor

.PHONY: all test torture playground playground-test vendor learn docs docs-test headers release-check upgrade
.DELETE_ON_ERROR:

all: $(VENV)/train.installed
	@dvc repro
	@echo
	@nextword info
	@echo
	@sed -n 's/^ *prompt *//p' samples.txt | head -n 1 | nextword generate

test: $(VENV)/dev.installed $(if $(HAS_NPM),$(MODULES) $(EXAMPLE)) $(if $(HAS_CXX),headers)
	ruff check
	ruff format --check
	mypy
	lint-imports
	pytest

torture: SECONDS ?= 1800
torture: SEED ?= 1
torture: $(VENV)/dev.installed
	PYTHONPATH=tests python benchmarks/torture.py --seconds $(SECONDS) --seed $(SEED)

playground: vendor
	@echo "http://localhost:8000 (Ctrl-C ends it)"
	@python -m http.server 8000 --bind 127.0.0.1 --directory playground

playground-test: vendor
	@npm run --silent --prefix js test:playground

learn: $(VENV)/plot.installed
	cd docs/learn && dvc repro && python course/pages.py

docs: $(VENV)/docs.installed
	python docs/build.py

docs-test: vendor docs
	node --test js/test-docs/*.test.js

vendor: $(VENV)/train.installed $(MODULES)
	@dvc repro --quiet export
	@cd docs/learn && dvc repro --quiet gates small gradients
	@mkdir -p $(VENDOR)
	@cp $(ORT)/ort.wasm.min.mjs $(ORT)/ort-wasm-simd-threaded.mjs $(ORT)/ort-wasm-simd-threaded.wasm $(VENDOR)
	@cp -r js/nextword.js js/nextword models/nextword.int8.onnx $(VENDOR)
	@cp docs/learn/runs/gates/models/nextword.onnx $(VENDOR)/gates.onnx
	@for kind in onnx train.onnx; do cp models/nextword.$$kind $(VENDOR)/story.$$kind; done
	@for kind in onnx train.onnx; do cp docs/learn/runs/small/models/nextword.$$kind $(VENDOR)/small.$$kind; done
	@for cell in rnn gru lstm; do for kind in onnx train.onnx; do \
		cp docs/learn/runs/gradients-$$cell/models/nextword.$$kind $(VENDOR)/gradients-$$cell.$$kind; done; done
	@cp docs/learn/data/countries-8.txt docs/learn/data/countries-16.txt docs/learn/data/countries-32.txt $(VENDOR)
	@python playground/story.py > $(VENDOR)/story.json
	@cd playground && find . -type f ! -name '.*' ! -name '*.py' ! -name service-worker.js \
		! -name 'story.*onnx' ! -name files.txt | sort > vendor/files.txt

headers: examples/cpp/include

# Without the headers, the test of the C++ example is skipped with a message.
examples/cpp/include:
	-examples/cpp/headers.sh

release-check: vendor $(VENV)/release.installed
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	python release/check.py

upgrade: $(VENV)/pyvenv.cfg
	python release/upgrade.py $(TORCH)
	$(MAKE) test

$(VENV)/train.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/plot.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,plot]'
	@touch $@

$(VENV)/docs.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

$(VENV)/dev.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev,docs,plot]'
	@touch $@ $(VENV)/train.installed $(VENV)/docs.installed $(VENV)/plot.installed

$(VENV)/release.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[release]'
	@touch $@

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

%/node_modules/.installed: %/package.json %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@
