# Everything that people do with a checkout. Each target makes what it needs and is quick the second time.

ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTHON := $(shell for one in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	"$$one" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$one" && break; done)

.PHONY: run test lint types check docs bench rasa rasa-environment lock clean

run: $(ENVIRONMENT)/.runs
	@$(BIN)/intake-bot serve

test: lint types rasa-environment
	@echo "== tests"
	@$(BIN)/python -m pytest -n 2

lint: $(ENVIRONMENT)/.tests
	@echo "== ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: $(ENVIRONMENT)/.tests
	@echo "== mypy --strict"
	@$(BIN)/mypy

check: $(ENVIRONMENT)/.runs
	@$(BIN)/intake-bot check

docs: $(ENVIRONMENT)/.runs
	@$(BIN)/python -m intake_bot.documentation

rasa: $(ENVIRONMENT)/.runs
	@$(BIN)/python -m nlu.rasa.build

rasa-environment: $(ENVIRONMENT)/.runs
	@echo "== environment of Rasa, for the tests of the real one (some minutes the first time)"
	@$(BIN)/python -m nlu.rasa.build --environment || echo "== not built: the tests of the real Rasa will be skipped"

bench: $(ENVIRONMENT)/.tests
	@$(BIN)/python -m bench

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更新版本（含 venv）：请先安装，例如 apt-get install python3 python3-venv"; exit 1; }
	@echo "== creating $(ENVIRONMENT) with $(PYTHON)"
	@$(PYTHON) -m venv $(ENVIRONMENT)

$(ENVIRONMENT)/.runs: requirements.txt pyproject.toml | $(BIN)/python
	@echo "== installing what the service runs on (some minutes the first time)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e . 2>/dev/null || $(PIP) install --no-deps -e .
	@touch $@

$(ENVIRONMENT)/.tests: requirements-dev.txt $(ENVIRONMENT)/.runs
	@echo "== installing what the tests need"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

lock: $(ENVIRONMENT)/.tests
	@for one in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-header $$one.in --output-file $$one.txt; done
	@$(BIN)/uv pip compile --quiet --python-version 3.10 --generate-hashes --no-emit-index-url --no-header \
		nlu/rasa/requirements.in --output-file nlu/rasa/requirements.txt

clean:
	@rm -rf $(ENVIRONMENT) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
