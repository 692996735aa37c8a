# The two commands most people need: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
WITH_CREWAI := .venv-crewai
CREWAI_PINS := tests/requirements-crewai.txt
NEWEST := .venv-crewai-newest
WITH_DIST := .venv-dist
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
PIP_WITH_CREWAI := $(WITH_CREWAI)/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-crewai test quick test-crewai-newest bench soak simulate check dist install format lock screenshots clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: install ## The whole product on this machine: a crew, a Slack workspace and the bot
	@$(PY) -m crewgate demo

demo-crewai: $(WITH_CREWAI)/.bot ## The same with the real CrewAI, and a model that answers from a script
	@$(WITH_CREWAI)/bin/python -m crewgate demo --crewai

test: $(VENV)/.test-tools $(VENV)/.bot with-crewai ## All tests; those of the domain and the use cases must cover it whole
	@# What is compiled is kept, whatever the environment says: the bot is started a hundred times.
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n auto --dist worksteal --cov

quick: $(VENV)/.test-tools $(VENV)/.bot ## A minute's choice of them: no processes, PostgreSQL, properties or worst cases
	@$(PY) -m pytest -q -n auto -m "not hypothesis" -k "not (postgresql or machine or bounded)" \
		$(addprefix tests/,domain usecases rules settings store crewai network web slack repo)

test-crewai-newest: $(VENV)/.test-tools $(VENV)/.bot ## The host's tests with the newest CrewAI on the index
	@$(PIP) install $(UV)
	@rm -f $(VENV)/crewai-newest.txt
	@$(LOCKED_HOST) --output-file $(VENV)/crewai-newest.txt
	@$(MAKE) --no-print-directory $(NEWEST)/.bot WITH_CREWAI=$(NEWEST) CREWAI_PINS=$(VENV)/crewai-newest.txt
	@WITH_CREWAI=$(NEWEST) $(PY) -m pytest tests/host -n auto

bench: $(VENV)/.test-tools $(VENV)/.bot ## Speed, side by side in one run (BENCH_DATABASE, BENCH_PEER, …)
	@# What is installed is compiled; else a start would be measured with that.
	@PYTHONDONTWRITEBYTECODE= $(PY) -m compileall -q bot
	@$(PY) -m tests.bench

soak: $(VENV)/.test-tools $(VENV)/.bot ## A minute of load, faults and kills (SOAK_SECONDS, SOAK_RATE, SOAK_KILLS, SOAK_DATABASE, SOAK_BESIDE, SOAK_ACTS, …)
	@$(PY) -m tests.soak

simulate: $(VENV)/.test-tools $(VENV)/.bot ## Stories at random over the whole product (MINUTES=30, SEED, STEPS, DATABASE)
	@$(PY) -m tests.simulation

check: $(VENV)/.test-tools $(VENV)/.bot ## Format, lint, types, import rules and the documents' commands
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest -q tests/repo/test_documents.py

dist: $(WITH_DIST)/.tools ## Wheel, source archive and bill of materials, in dist
	@rm -rf dist
	@$(WITH_DIST)/bin/python -m hatchling build
	@$(WITH_DIST)/bin/python -m twine check --strict dist/*
	@# It reads no version that is not in pyproject.toml, and from pins alone it knows no graph.
	@version=$$($(WITH_DIST)/bin/python -m hatchling version) && \
		sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > $(WITH_DIST)/pyproject.toml && \
		PYTHONWARNINGS=ignore::UserWarning $(WITH_DIST)/bin/cyclonedx-py requirements requirements.txt \
		--pyproject $(WITH_DIST)/pyproject.toml --mc-type application --output-reproducible \
		--output-file "dist/crewgate-$$version.cdx.json"

install: $(VENV)/.bot ## .venv with the pinned dependencies and the bot

format: $(VENV)/.test-tools ## Format, and fix what can be fixed safely
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lock: $(VENV)/.python ## Pin the dependencies anew (LOCK=--upgrade: at their newest)
	@$(PIP) install $(UV)
	@$(LOCKED) pyproject.toml --output-file requirements.txt
	@$(LOCKED) --group pyproject.toml:test --constraint requirements.txt --output-file tests/requirements.txt
	@$(LOCKED) --group pyproject.toml:dist --output-file deploy/requirements-dist.txt
	@$(LOCKED_HOST) --output-file $(CREWAI_PINS)
	@$(LOCKED) --group pyproject.toml:build --constraint $(CREWAI_PINS) --output-file deploy/requirements-build.txt
	@$(LOCKED) --group pyproject.toml:lock --output-file deploy/requirements-lock.txt

# Universal: one file for every system and every Python from 3.11 on. Extras are kept, because pip
# holds a pin without one for no pin of `package[extra]` once a newer version is out.
UV = --require-hashes --requirement deploy/requirements-lock.txt
LOCKED = $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-annotate $(LOCK)

# What crewai asks for and neither imports nor needs for a crew without tools: two thirds of its size.
NOT_NEEDED = hf-xet huggingface-hub instructor kubernetes lance-namespace \
	lance-namespace-urllib3-client lancedb onnxruntime openpyxl pdfminer-six pdfplumber pillow \
	pyarrow pypdfium2 textual tokenizers uv watchfiles
LOCKED_HOST = $(LOCKED) pyproject.toml --extra host \
	$(foreach package,$(NOT_NEEDED),--no-emit-package $(package))

screenshots: $(VENV)/.test-tools $(VENV)/.bot ## The README's pictures, and every surface in .screenshots (needs Chromium)
	@$(PY) -m tests.playground.screenshots

clean: ## Forget everything that was installed or cached
	@rm -rf $(VENV) $(WITH_CREWAI) $(NEWEST) $(WITH_DIST) dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# Each stamp is made last, so that an interrupted step is done again.

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Crewgate needs Python 3.11 or newer, but $(PYTHON) is:" \
			"$$($(PYTHON) --version 2>&1 || true)"; \
		echo "If you have a newer one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.dependencies: requirements.txt deploy/requirements-build.txt $(VENV)/.python
	@echo "Installing what the bot needs"
	@$(PIP) install --require-hashes --requirement requirements.txt --requirement deploy/requirements-build.txt
	@touch $@

$(VENV)/.bot: pyproject.toml $(VENV)/.dependencies
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test-tools: tests/requirements.txt $(VENV)/.dependencies
	@echo "Installing what its tests need"
	@$(PIP) install --require-hashes --requirement requirements.txt --requirement tests/requirements.txt
	@touch $@

$(WITH_DIST)/.tools: deploy/requirements-dist.txt $(VENV)/.python
	@echo "Making $(WITH_DIST) with what builds and checks a release"
	@$(PYTHON) -m venv --clear $(WITH_DIST)
	@$(WITH_DIST)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
		--requirement deploy/requirements-dist.txt
	@touch $@

# `crewgate host` runs in an environment with crewai, which asks for older versions of some packages
# and for Python 3.13 at most. Where an index lacks it, its tests are skipped and say why.
$(WITH_CREWAI)/.dependencies: $(CREWAI_PINS) deploy/requirements-build.txt $(VENV)/.python
	@echo "Making $(WITH_CREWAI) with CrewAI (400 MB)"
	@$(PYTHON) -m venv --clear $(WITH_CREWAI)
	@$(PIP_WITH_CREWAI) install --no-deps --require-hashes --requirement $(CREWAI_PINS) \
		--requirement deploy/requirements-build.txt
	@touch $@

$(WITH_CREWAI)/.bot: pyproject.toml $(WITH_CREWAI)/.dependencies
	@$(PIP_WITH_CREWAI) install --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: with-crewai
with-crewai: $(VENV)/.python
	@$(MAKE) --no-print-directory $(WITH_CREWAI)/.bot || \
		echo "CrewAI cannot be installed here: what needs it in tests/host will be skipped" >&2
