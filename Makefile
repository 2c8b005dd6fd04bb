# The few commands that people type. `make` alone explains them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := PYTHONPATH=book $(BIN)/python -m guide.build

.DEFAULT_GOAL := help
.PHONY: help book html pdf epub serve notebooks lab checkers test shots bench faults links compat lock clean

help:  ## Say what there is
	@echo "The DeepSeek Moment: a study guide"
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pip checks each file against the lock; the lock is made of requirements.txt by `make lock`
$(VENV)/.ready: requirements.lock
	@$(PYTHON) -c "import sys; v = sys.version_info[:3]; sys.exit(0 if (3, 11, 5) <= v < (3, 14) else 'Python 3.11.5 to 3.13 is needed, this is %d.%d.%d: try make PYTHON=python3.12' % v)"
	@echo "Making a virtual environment in $(VENV) and installing what the book needs ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

book: $(VENV)/.ready  ## Build the site, the PDF, the EPUB and all downloads
	@$(RUN) book

html: $(VENV)/.ready  ## Build the site: _build/html/index.html
	@$(RUN) html

pdf: $(VENV)/.ready  ## Build the PDF: _build/pdf/deepseek-moment.pdf
	@$(RUN) pdf

epub: $(VENV)/.ready  ## Build the EPUB: _build/epub/deepseek-moment.epub
	@$(RUN) epub

serve: html  ## Read the site at http://127.0.0.1:8000/ (PORT=8080 for another)
	@$(RUN) serve --port $(or $(PORT),8000)

$(VENV)/.notebooks: $(VENV)/.ready requirements-notebooks.lock
	@echo "Installing JupyterLab ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-notebooks.lock
	@touch $@

LABCONFIG := _build/jupyter/labconfig/default_setting_overrides.json
notebooks: $(VENV)/.notebooks  ## Open the chapters as notebooks in JupyterLab (ARGS= for its options)
	@mkdir -p $(dir $(LABCONFIG))
	@$(BIN)/jupytext-config --settings-file $(LABCONFIG) set-default-viewer markdown myst
	@JUPYTER_CONFIG_DIR=$(CURDIR)/_build/jupyter PYTHONPATH=$(CURDIR)/book $(BIN)/jupyter lab $(ARGS) book

$(VENV)/.lab: $(VENV)/.ready requirements-lab.txt
	@echo "Installing PyTorch for the lab ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-lab.txt
	@touch $@

lab: $(VENV)/.lab  ## Measure again on this machine's GPU what data/lab/ holds (ARGS= for some)
	@$(BIN)/python -m lab $(ARGS)

# axe and the Nu HTML checker, for the tests; without npm those tests skip, but under CI they fail
_build/browser/.ready: tests/browser/package.json tests/browser/package-lock.json
	@mkdir -p $(dir $@) && cp tests/browser/package*.json $(dir $@)
	@if command -v npm >/dev/null; then \
		npm ci --prefix $(dir $@) --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "No npm here: the tests of accessibility and of valid HTML will be skipped"; fi

checkers: _build/browser/.ready  ## Install what the tests look at pages with (needs npm)

test: book checkers $(VENV)/.lab  ## Check what must stay true (builds the book first)
	@$(BIN)/python -m pytest

shots: book  ## Take the pictures anew that pages are compared with, after a change that was meant
	@SHOTS=renew $(BIN)/python -m pytest tests/visual

faults: book  ## Plant faults and see that each is caught; kill builds and compare bytes
	@$(BIN)/python tests/planting.py $(ARGS)
	@$(BIN)/python -m pytest -m slow

links: $(VENV)/.ready  ## Ask whether the addresses that the book cites are still there
	@PYTHONPATH=book $(BIN)/python -m guide.links $(ARGS)

compat: $(VENV)/.ready  ## Try other versions of Python and of the packages: _build/compat.md
	@$(BIN)/python tests/compat.py $(ARGS)

lock: $(VENV)/.ready  ## Pin again, with the hashes of all files, what the requirements ask for
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target _build/uv uv==0.13.9
	@for name in requirements requirements-notebooks; do \
	  PYTHONPATH=_build/uv $(BIN)/python -m uv pip compile $$name.txt --output-file $$name.lock --quiet \
	    --universal --python-version 3.11.5 --generate-hashes --no-annotate --no-emit-index-url \
	    --custom-compile-command "make lock" || exit 1; done

bench: book  ## Weigh pages, score them with Lighthouse, time builds (ARGS=pages for the first two)
	@$(BIN)/python -m bench $(ARGS)

clean:  ## Remove what was built (not the virtual environment)
	@rm -rf _build
	@find book tests -name __pycache__ -type d -prune -exec rm -rf {} +
