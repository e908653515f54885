# Zhiban's commands. `make run` and `make test` need nothing but a fresh clone, make, and Python 3.11 or newer.
#   make run         set everything up and serve a demo centre at http://127.0.0.1:8000
#   make test        set everything up and run every test (samples of the big ones); ARGS="-k name" passes options to pytest
#   make setup       only install, into .venv and node_modules
#   make test-full   the tests with the big ones in full length
#   make chaos       processes killed, stopped and starved while people work
#   make bench       the benchmark table and bench.json; bench-full is the long form, with growth and scale
#   make load        many people at once through HTTP
#   make lock        write the lock files anew after changing a dependency in pyproject.toml
#   make clean       remove what set-up made; the data in var/ stays

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:

PY := .venv/bin/python
ZHIBAN := .venv/bin/zhiban
PYTEST := .venv/bin/pytest
NODE := bash scripts/node.sh
DONE := .venv/done
SAY = @echo "zhiban: $(1)" >&2

# Each part of the set-up leaves a file in .venv/done, newer than everything it was made from.
feel_sources := $(filter-out %/bundle.js,$(shell find engine/feel -name '*.mjs' -o -name '*.js'))
page_sources := $(shell find webui/build -type f)
translations := $(wildcard webui/translations/*/LC_MESSAGES/*.po)
npm_sources := $(wildcard package.json package-lock.json .npmrc)

.PHONY: setup run test test-full chaos bench bench-full load lock clean

setup: $(DONE)/python $(if $(npm_sources),$(DONE)/node) $(if $(wildcard engine/feel/build.mjs),$(DONE)/feel) \
       $(if $(wildcard webui/build/build.mjs),$(DONE)/pages) $(if $(translations),$(DONE)/translations)
	@:

$(DONE)/python: requirements.txt pyproject.toml scripts/venv.sh
	@bash scripts/venv.sh
	$(call SAY,installing the Python packages)
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(DONE) && touch $@

$(DONE)/node: $(npm_sources) | $(DONE)/python
	$(call SAY,installing the browser packages)
	@$(NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DONE)/feel: $(feel_sources) $(DONE)/node
	$(call SAY,building the expression engine)
	@$(NODE) node engine/feel/build.mjs
	@touch $@

$(DONE)/pages: $(page_sources) $(DONE)/node
	$(call SAY,building the pages' parts)
	@$(NODE) node webui/build/build.mjs
	@touch $@

$(DONE)/translations: $(translations) | $(DONE)/python
	@.venv/bin/pybabel --quiet compile --use-fuzzy --directory webui/translations
	@touch $@

run: setup
	@$(ZHIBAN) db upgrade
	@$(ZHIBAN) deploy --if-new bpmn
	@$(ZHIBAN) demo --if-empty
	@exec $(ZHIBAN) serve

# Two at a time: what the smallest supported machine has. Tests of one file may run on either.
test: setup
	@bash scripts/test-tools.sh
	@$(PYTEST) -n 2 --dist worksteal $(ARGS)

test-full: setup
	@bash scripts/test-tools.sh
	@$(PYTEST) -n 2 --dist worksteal --full $(ARGS)

chaos: setup
	@bash scripts/test-tools.sh
	@$(PYTEST) --full tests/chaos $(ARGS)

load: setup
	@bash scripts/test-tools.sh
	@$(PYTEST) --full tests/load $(ARGS)

bench: setup
	@bash scripts/test-tools.sh
	@$(PY) -m tests.bench $(ARGS)

bench-full: setup
	@bash scripts/test-tools.sh
	@$(PY) -m tests.bench --full $(ARGS)

lock: $(DONE)/python
	@bash scripts/lock.sh

clean:
	@rm -rf .venv node_modules build zhiban.egg-info .pytest_cache .hypothesis .ruff_cache
	@rm -rf webui/static/vendor engine/feel/bundle.js bench.json
	@find engine service webui tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@find webui -name '*.mo' -delete
