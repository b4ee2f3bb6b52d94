PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TESTED := $(VENV)/installed-for-tests
OUTPUT ?= runs/digits

.PHONY: install search test test-all soak check format notebooks docs docs-serve \
  release-check clean

# What a search needs; the tests also need the runtimes of exports and tools, and
# what builds the site, 0.1 GB.
install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(TESTED): $(INSTALLED)
	$(BIN)/pip install --quiet --editable '.[docs,test]'
	touch $@

# Searches a cell on handwritten digits and saves the best; a second call goes
# on where the first was stopped.
search: $(INSTALLED)
	@if [ -e $(OUTPUT)/config.json ]; then \
	  $(BIN)/nasnet-search resume $(OUTPUT); \
	else \
	  $(BIN)/nasnet-search run --dataset digits --strategy ppo --strategy-option screen=50 \
	    --trials 24 --space-option blocks=3 \
	    --epochs 2 --seed 1 --output $(OUTPUT); \
	fi
	@$(BIN)/nasnet-search status $(OUTPUT)
	@rm -rf $(OUTPUT)/best
	@$(BIN)/nasnet-search export $(OUTPUT) --output $(OUTPUT)/best

test: $(TESTED)
	$(BIN)/pytest -n 2 -m "not large"

test-all: $(TESTED)
	$(BIN)/pytest -n 2

# Has faults befall searches and damaged files read, and prints what they cost.
soak: $(TESTED)
	$(BIN)/python tests/search_tests/soak.py

check: $(TESTED)
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(TESTED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Executes the notebooks whole and keeps their outputs in place.
notebooks: $(TESTED)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/jupyter-nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False \
	  notebooks/*.ipynb

# Runs every example of the pages and docstrings, then builds the site into
# build/site. An example that fails, a broken link or anchor, a page without a place
# and a public name without a docstring are errors. The first time it searches for
# the gallery, some two minutes.
docs: $(TESTED)
	$(BIN)/pytest -n 2 tests/test_docstrings.py tests/test_examples_of_pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

docs-serve: $(TESTED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

# Builds the wheel and tries it in an empty environment of every Python that is here.
PYTHONS ?= 3.11 3.12 3.13
release-check:
	$(PYTHON) tools/release_check.py --pythons $(PYTHONS)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
