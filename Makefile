# Two commands on a fresh machine: `make demo` shows vaekit at work, `make test` runs its tests.
# Both make the virtual environment that they need in .venv; nothing is installed outside this folder.

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
DEMO := runs/demo
# A source of what pip installs: a change of it installs again.
SETUP := pyproject.toml scripts/install.py

.PHONY: help demo test lint explorer clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   set up, train a VAE and an autoencoder on the digits of scikit-learn, compare them"
	@echo "make test   set up, run the tests"
	@echo "make lint   ruff and mypy"
	@echo "make explorer  build the explorer's page anew, with Node"
	@echo "make clean  remove the virtual environment, caches and the demo's runs"

$(VENV)/.made:
	@python=$$(sh scripts/find_python.sh) && echo "vaekit: a virtual environment in $(VENV), by $$python" && \
		"$$python" -m venv $(VENV) && touch $@

$(VENV)/.user: $(VENV)/.made $(SETUP)
	@$(BIN)/python scripts/install.py && touch $@

$(VENV)/.dev: $(VENV)/.made $(SETUP)
	@$(BIN)/python scripts/install.py dev && touch $@ $(VENV)/.user

demo: $(VENV)/.user
	@rm -rf $(DEMO)
	$(BIN)/vaekit train digits --out $(DEMO)/vae
	$(BIN)/vaekit train digits --recipe ae --out $(DEMO)/ae
	$(BIN)/vaekit compare $(DEMO)/vae $(DEMO)/ae -o $(DEMO)/comparison.png
	@echo; echo "Two runs, a VAE and an autoencoder, with everything in their folders. Pictures to look at:"
	@find "$(CURDIR)/$(DEMO)" -name '*.png' | sort

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

explorer:
	cd explorer && npm ci --no-fund --no-audit && npm test && npm run build

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
