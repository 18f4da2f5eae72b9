# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs in .venv.

VENV := .venv
BIN := $(VENV)/bin
FOLDER ?=
WORKERS ?= 1
MINUTES ?= 30
FILES ?= $(filter-out .secrets.baseline,$(shell git ls-files))

.DEFAULT_GOAL := help
.PHONY: help demo up first-day test lint audit secrets train bench bench-interactive bench-long soak load faults requirements requirements-images clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/ready ## Start everything, classify rendered samples (or FOLDER=path), stop everything
	@$(BIN)/melanoma-local demo $(if $(FOLDER),"$(FOLDER)")

up: $(VENV)/ready ## Keep broker, WORKERS=n workers, Flower and the bot running until Ctrl-C
	@$(BIN)/melanoma-local up --workers $(WORKERS)

# In their order: by the number of tests, as otherwise, the longest files would come last, and one after the other.
test: $(VENV)/ready ## All tests, two files at a time
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/ready ## Style, types, import rules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Asked only where an advisory service answers. What does not concern us: --ignore-vuln ID, with the reason beside it.
audit: $(VENV)/ready ## Known vulnerabilities of what is installed anywhere
	@$(BIN)/python -m checks.audit requirements.txt deploy/requirements/*.txt

# In a copy of the baseline the tool may put line numbers right, which it says with 3.
secrets: $(VENV)/ready ## No secret in FILES, all that git tracks, but those known to be none
	@known=$$(mktemp) && cp .secrets.baseline "$$known" && \
	{ $(BIN)/detect-secrets-hook --no-verify --baseline "$$known" $(FILES) >"$$known.said" || [ $$? -eq 3 ]; }; \
	found=$$?; [ $$found -eq 0 ] || cat "$$known.said"; rm -f "$$known" "$$known.said"; exit $$found

first-day: $(VENV)/ready ## The operator's first day, played on real processes
	@$(BIN)/python -m pytest tests/system/test_first_day.py -s -q

bench: $(VENV)/ready ## Batching against its limit, in one run (about 5 minutes; leave the machine alone)
	@$(BIN)/python -m benchmarks.batching

bench-interactive: $(VENV)/ready ## What a person in a chat notices of 5,000 bulk pictures
	@$(BIN)/python -m benchmarks.interactive_latency

bench-long: $(VENV)/ready ## Memory of worker and Redis over 20,000 pictures
	@$(BIN)/python -m benchmarks.memory

soak: $(VENV)/ready ## Half an hour (MINUTES=n) at 80 % of the limit: what grows, what is lost, who waits longer
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

load: $(VENV)/ready ## 500 people send four photographs each to the bot, without and with Telegram's limits
	@$(BIN)/python -m benchmarks.chat_load

faults: $(VENV)/ready ## 1,000 photographs while bots, workers, Redis and Telegram's calls die
	@$(BIN)/python -m benchmarks.chat_faults

RECIPE ?= lite0

train: $(VENV)/ready ## Fit a model by RECIPE=lite0 from DATA=path and START=weights into runs/lite0 (hours on two cores)
	@$(BIN)/melanoma-train "$(RECIPE)" --data "$(DATA)" $(if $(START),--start "$(START)") --run "runs/$(RECIPE)"

requirements: ## Pin anew what pyproject.toml asks for, but for the GPU's parts (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --upgrade --output-file requirements.txt \
		--extra worker --extra bulk --extra bot --extra simulator --extra training --extra local --extra ops --extra dev pyproject.toml

# What each image installs, of the same versions. The GPU's parts are not in requirements.txt.
IMAGES := bot gpu local ops simulator worker

requirements-images: ## Pin anew what the images install, by requirements.txt (needs uv)
	@for role in $(IMAGES); do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links --constraints requirements.txt \
			--output-file deploy/requirements/$$role.txt --extra image --extra $$role pyproject.toml || exit 1; \
	done

clean: ## Remove what was built; data of `make up` stays in .local
	@rm -rf $(VENV) demo-out

# pip checks each file against the hashes; the project itself is installed in place.
$(VENV)/ready: requirements.txt pyproject.toml
	@python=$$(sh local/find-python.sh) || exit 1; \
	echo "setting up $(VENV) with $$python (a few minutes the first time)"; \
	"$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
