# make help says what there is. Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
STORE ?= sqlite:///demo.db
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
ROOMS := $(sort $(notdir $(shell find src/archsmith -type l)))
BESIDE := $(patsubst %/,%,$(sort $(dir $(wildcard tests/*.py tools/*.py examples/*.py benchmarks/*.py))))

.DEFAULT_GOAL := help
.PHONY: help demo test check fix docs rules clean install
.PHONY: check-format check-lint check-types check-imports check-sizes check-style check-dependencies

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) tools/check_machine.py
	@echo "Installing into $(VENV); the first time takes a minute or two."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(READY) ## make .venv with archsmith and all its tools

demo: $(READY) ## search and fuzz for a minute or two, and say how to look at what was found
	$(BIN)/archsmith search run examples/digits_cnn.py --task digits --searcher evolution --trials 12 --workers 2 --seed 0 --store $(STORE)
	$(BIN)/archsmith fuzz run --minutes 1 --workers 2 --seed 0 --store $(STORE) || [ $$? -eq 1 ]
	@echo
	@echo "Now look at it:  $(BIN)/archsmith serve --store $(STORE)"

test: $(READY) ## run the tests; make test ARGS='-k reduce' runs some
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(READY) ## run every check, the failed ones included, to the end
	@$(MAKE) --no-print-directory --keep-going check-format check-lint check-types check-imports \
		check-sizes check-style check-dependencies

check-format: $(READY)
	$(BIN)/ruff format --check .

check-lint: $(READY)
	$(BIN)/ruff check --no-fix .

check-types: $(READY)
	$(BIN)/mypy
	$(BIN)/mypy $(BESIDE)

check-imports: $(READY)
	$(BIN)/lint-imports --no-cache

check-sizes: $(READY)
	$(BIN)/python tools/check_sizes.py $(ROOMS) $(BESIDE)

check-style: $(READY)
	$(BIN)/python tools/check_style.py $(ROOMS) $(BESIDE)

check-dependencies: $(READY)
	$(BIN)/deptry --no-ansi $(ROOMS)

fix: $(READY) ## format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## build the documentation
	$(BIN)/python tools/build_docs.py

rules: $(READY) ## record PyTorch's calls and infer the rules that are shipped, which takes an hour
	$(BIN)/archsmith rules collect --workers $(WORKERS) --store sqlite:///rules.db
	$(BIN)/archsmith rules infer --workers $(WORKERS) --store sqlite:///rules.db --book graph/rulebooks/pytorch-2.13.json.gz

clean: ## remove what was built, .venv included
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo.db* demo-artifacts rules.db*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
