# Two commands matter: `make run` starts the product, `make test` checks that it works.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # compiled once, every process starts three times as fast

help: ## Show what can be done
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## Make .venv, install what pyproject.toml and package.json ask for, check system libraries
	@$(PYTHON) config/bootstrap.py

run: setup ## Start everything on PORT (8000); Ctrl-C stops it all
	@PORT=$(PORT) exec $(BIN)/python manage.py run

test: ## Run every test, on real PostgreSQL and Valkey, with Chromium for the journeys
	@$(PYTHON) config/bootstrap.py --browser
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

faults: ## Run every fault trial in full: figures as a table, and as JSON in var/faults.json
	@$(PYTHON) config/bootstrap.py --browser
	@FAULTS=full $(BIN)/python -m pytest -p no:xdist tests/faults tests/access/test_hostile_texts.py tests/kernel/test_malformed_uploads.py tests/journeys/test_partner_exchange.py tests/browser/test_big_order.py $(ARGS)

axe: ## Let axe read every kind of page of every role, light and dark, on a desk and on a phone
	@$(PYTHON) config/bootstrap.py --browser
	@FAULTS=full $(BIN)/python -m pytest -p no:xdist tests/browser/test_journey.py $(ARGS)

mutants: setup ## Change the code of pricing in 2,000 small ways: at least 85 of 100 have to make a test fail
	@$(BIN)/python -m config.mutants

screenshots: ## Take the pictures of docs/screenshots anew, by the browser journey
	@$(PYTHON) config/bootstrap.py --browser
	@SCREENSHOTS=1 $(BIN)/python -m pytest -p no:xdist tests/browser

check: setup ## Everything that needs no running test: style, types, layers, budgets, migrations, deployment
	@$(BIN)/python -m config.check $(ARGS)

messages: setup ## Collect what is to be translated into locale/, and say how much lacks its words
	@$(BIN)/python manage.py messages

format: setup ## Put the code into its one form
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml
lock: setup ## Pin what pyproject.toml asks for, for every Python from 3.11.0 on
	@$(LOCK) --output-file requirements.txt
	@$(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

.PHONY: help setup run test faults axe mutants screenshots check messages format lock
