# A fresh machine needs git, make, Python 3.11 or newer and a package index; these targets do everything else.
# Arguments of a command travel in ARGS:  make demo ARGS="--applications 50"

.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules
ARGS ?=

PY := .venv/bin/python
MANAGE := $(PY) manage.py
# Keys of the demo, made once. What the environment says itself wins; ENV_FILE=.env takes yours.
ENV_FILE ?= .data/demo.env
export ENIGMA_ENV_FILE = $(ENV_FILE)
# Tests bring their own settings; no file of this machine may reach them.
PYTEST_ENV := ENIGMA_ENV_FILE=/dev/null
# Puts an embedded PostgreSQL around a command, unless DATABASE_URL names a server.
POSTGRES := $(PY) -m enigma.postgres

# Installed is what the lock files say: other contents have another checksum, and so another stamp.
checksum = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
RUNTIME := .venv/installed-$(call checksum,requirements.txt)
DEV := .venv/installed-dev-$(call checksum,requirements.txt requirements-dev.txt)

# A name may exist and still not run (pyenv), so each is asked.
PYTHONS := python3.13 python3.12 python3.11 python3.14 python3 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FIND_PYTHON = for python in $(PYTHONS) ""; do "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && break; done; \
  test -n "$$python" || { echo "ENIGMA needs Python 3.11 or newer; none of these is: $(PYTHONS)" >&2; exit 1; }

# Debian's browser and letters for Urdu and Arabic; any other chromium is used where ENIGMA_CHROMIUM names it.
FIND_CHROMIUM = test -n "$$ENIGMA_CHROMIUM" || { command -v chromium >/dev/null && ls -d /usr/share/fonts/*/noto >/dev/null 2>&1; } || \
  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
    echo "Installing chromium and fonts (a minute)" >&2; export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-core >/dev/null; \
  else echo "The browser tests need chromium and fonts for Urdu and Arabic. Debian, as root: apt-get install chromium" \
    "fonts-noto-core. Elsewhere name yours: make test-browser ENIGMA_CHROMIUM=/path/to/chrome" >&2; exit 1; fi
export ENIGMA_CHROMIUM

.PHONY: help setup demo run worker manage test test-browser fuzz check lint lock messages migrations bench docs clean

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(DEV) ## make .venv with all that running and developing needs

demo: $(RUNTIME) $(ENV_FILE) ## lead invented applicants through all nine phases, then serve console and pages on 127.0.0.1
	@$(POSTGRES) -- $(MANAGE) demo $(ARGS)

run: $(RUNTIME) $(ENV_FILE) ## serve the API and the pages on http://127.0.0.1:8000, for this machine only
	@DEBUG=1 $(POSTGRES) -- sh -ec '$(MANAGE) migrate -v0; \
	  exec .venv/bin/granian --interface wsgi --host 127.0.0.1 --port 8000 --blocking-threads 4 $(ARGS) enigma.wsgi:application'

worker: $(RUNTIME) $(ENV_FILE) ## do the jobs that wait in the database of the demo
	@$(POSTGRES) -- $(MANAGE) run_worker $(ARGS)

manage: $(RUNTIME) $(ENV_FILE) ## run a command on the database of the demo:  make manage ARGS="cycle_status demo-1"
	@$(POSTGRES) -- $(MANAGE) $(ARGS)

test: $(DEV) ## run all tests on a PostgreSQL of their own
	@$(PYTEST_ENV) $(POSTGRES) --throwaway -- $(PY) -m pytest --cov --cov-report=term $(ARGS)

test-browser: $(DEV) ## lead a real browser through the pages (ARGS=tests/browser/test_x.py; pictures in .data/screenshots)
	@$(FIND_CHROMIUM)
	@$(PYTEST_ENV) $(POSTGRES) --throwaway -- $(PY) -m pytest $(if $(filter tests/%,$(ARGS)),,tests/browser) $(ARGS)

fuzz: $(DEV) ## ask a running server everything its API description allows, as every role (ARGS="--examples 50")
	@$(PYTEST_ENV) $(POSTGRES) --throwaway -- $(PY) -m tests.fuzz $(ARGS)

check: $(DEV) $(ENV_FILE) ## look at form, types, imports, migrations, deployment and docs
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(POSTGRES) --throwaway -- sh -ec '$(MANAGE) makemigrations --check --dry-run; \
	  $(MANAGE) spectacular --validate --fail-on-warn --file /dev/null; \
	  DEBUG=0 ALLOWED_HOSTS=enigma.example $(MANAGE) check --deploy --fail-level WARNING'
	$(PYTEST_ENV) $(PY) -m pytest -q tests/test_tooling.py $(wildcard tests/test_docs.py)

lint: $(DEV) ## put the form right, as far as a tool can
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

messages: $(DEV) ## gather what pages say into the catalogues of locale/, and list what they lack (ARGS=--missing only lists)
	@$(PYTEST_ENV) $(PY) -m tests.translations $(ARGS)

migrations: $(DEV) $(ENV_FILE) ## write migrations for changed models
	@$(POSTGRES) --throwaway -- $(MANAGE) makemigrations $(ARGS)

bench: $(RUNTIME) $(ENV_FILE) ## time every step at 1,000 and 10,000 applications, beside the machine's limits
	@$(POSTGRES) --throwaway --durable -- $(PY) -m benchmarks $(ARGS)

docs: $(DEV) ## hold the docs against the code
	@$(PYTEST_ENV) $(PY) -m pytest -q tests/test_docs.py

clean: ## remove .venv, the database and keys of the demo, and what tools left
	@if ls .venv/installed-* >/dev/null 2>&1; then $(POSTGRES) --remove; fi
	rm -rf .venv .data .coverage htmlcov staticfiles .hypothesis .import_linter_cache .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: ## resolve the dependencies of pyproject.toml into requirements*.txt (ARGS=--upgrade for newer ones)
	@$(FIND_PYTHON); scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	"$$python" -m venv "$$scratch" && "$$scratch/bin/python" -m pip install -q --disable-pip-version-check uv && \
	lock="$$scratch/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url $(ARGS) pyproject.toml" && \
	$$lock -o requirements.txt && $$lock --group dev -c requirements.txt -o requirements-dev.txt

# ---- what the targets above stand on

$(ENV_FILE): | $(RUNTIME)
	@mkdir -p $(@D) && (umask 077 && ENIGMA_ENV_FILE=/dev/null $(MANAGE) generate_keys > $@.part) && mv $@.part $@

# Debian has Python without ensurepip: then a pip of the system installs into the environment.
$(PY):
	@$(FIND_PYTHON); echo "Making .venv with $$("$$python" --version)" >&2; \
	"$$python" -m venv --clear .venv 2>/dev/null || { "$$python" -m venv --clear --without-pip .venv && \
	  "$$python" -m pip --version >/dev/null && echo "$$python" > .venv/has-pip; } || \
	{ rm -rf .venv; echo "$$python can make no environment: install its venv or pip (Debian: apt install python3-venv)" >&2; exit 1; }

define install
	@echo "Installing $(1) (half a minute the first time)" >&2
	@set -- --disable-pip-version-check install -qq --no-input --no-deps --require-hashes -r $(1); \
	if [ -e .venv/has-pip ]; then "$$(cat .venv/has-pip)" -m pip --python $(PY) "$$@"; \
	else $(PY) -m pip "$$@"; fi
	@rm -f $(2)* && touch $@
endef

$(RUNTIME): | $(PY)
	$(call install,requirements.txt,.venv/installed-[0-9])

$(DEV): | $(RUNTIME)
	$(call install,requirements-dev.txt,.venv/installed-dev-)
