# Every target sets up what it needs; a fresh machine needs Python >= 3.11, make and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests start many processes: none of them compiles the bot anew, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test setup lint bench fuzz docs lock clean
.DEFAULT_GOAL := run

run: $(READY)
	@$(BIN)/yuanzi chat

test: $(READY) lint
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

setup: $(READY)
	@echo "ready: $(BIN)/yuanzi --help"

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

bench: $(READY)
	@$(BIN)/yuanzi bench

# 100,000 cases for every parser of foreign bytes, for the night: about an hour. HYPOTHESIS_CASES=1000 for less.
FUZZ := tests/test_wecom_crypto.py tests/test_wecom_payload.py tests/test_wecom_callback.py tests/test_wecom_aibot.py \
	tests/test_wechaty_rules.py tests/test_fake_wecom_crypto.py
fuzz: $(READY)
	@HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest $(FUZZ) -m hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "yuanzi needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)

# For maintainers: renew the reference pages from the code.
docs: $(READY)
	@$(BIN)/python -m bot.manual

# For maintainers: renew the pins. Hashes yes, hosts no.
lock:
	uv pip compile pyproject.toml --extra dev --extra wechaty --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
