# Two commands on a fresh machine: `make repro` and `make test`. Needs Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
JOBS ?= 2 # stages side by side
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
INSTALLED := $(VENV)/.installed

.PHONY: repro setup test test-all test-long test-gpu docs lint lock

repro: setup ## demo data if there is none, the whole pipeline, the report
	ferlab data demo --if-missing
	ferlab reproduce --jobs $(JOBS)
	@echo
	@echo "The report: $(CURDIR)/$$(ferlab report)"

setup: $(INSTALLED) ## the environment alone

# made again only when a dependency changes; ferlab itself is installed in place
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ferlab needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 2; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "no venv module: on Debian, apt-get install python3-venv"; exit 2; }
	@echo "Installing some 6 GB into $(VENV); this takes minutes, once."
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# threads that spin while they wait take the cores from the tests beside them
PYTEST := OMP_WAIT_POLICY=passive pytest --numprocesses auto --dist loadfile --durations 20

test: setup ## the quick tier
	$(PYTEST) --maxprocesses 4 -m "not (real or chaos or browser or long)"

test-all: test ## every tier but the long one: quick, real (needs the real archives), chaos, browser (needs chromium)
	$(PYTEST) --maxprocesses 2 --no-loadscope-reorder -m "(real or chaos or browser) and not long"

test-long: setup ## the long tier: many kills, scale, whole guides; its outcome goes to docs/test-long.md
	$(PYTEST) --maxprocesses 2 --no-loadscope-reorder -m long --keep-result=docs/test-long.md

test-gpu: setup ## on a machine with an NVIDIA GPU: graphs, packs and resumes to the last bit
	OMP_WAIT_POLICY=passive pytest -m gpu

docs: setup ## the documentation as a site, every link and anchor checked; needs no network
	NO_MKDOCS_2_WARNING=1 mkdocs build
	@echo "The documentation: $(CURDIR)/site/index.html; \`mkdocs serve\` shows it with its search"

lint: setup ## style, types, layers, and whether code.json is of this code
	ruff check
	ruff format --check
	mypy
	lint-imports
	ferlab code --check

lock: ## resolve requirements.lock anew (needs uv)
	uv pip compile --universal --python-version 3.11 --extra dev --extra archive --extra cluster --extra team --extra s3 --extra ssh --extra docs --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links pyproject.toml -o requirements.lock
