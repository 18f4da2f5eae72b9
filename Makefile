# On a fresh machine: `make demo` or `make test`. Each first sets up .venv.

VENV := .venv
BIN := $(VENV)/bin
FOLDER ?=
WORKERS ?= 1
MINUTES ?= 30
FILES ?= $(filter-out .secrets.baseline,$(shell git ls-files))

.DEFAULT_GOAL := help
.PHONY: help demo up first-day test test-fast test-long mutants lint audit secrets containers train agreement bench bench-cores bench-gpu bench-start bench-interactive bench-backlog bench-hostile bench-suspects bench-long soak load bot-profile faults requirements requirements-images release-check clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-24s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/ready ## Start everything, classify rendered samples (or FOLDER=path), stop everything
	@$(BIN)/melanoma-local demo $(if $(FOLDER),"$(FOLDER)")

up: $(VENV)/ready ## Keep broker, WORKERS=n (or auto) workers, Flower and the bot running until Ctrl-C
	@$(BIN)/melanoma-local up --workers $(WORKERS)

# Single tests are distributed to some processes: four for two cores, since most tests wait more than they compute. Those
# that share a fixture stay together (tests/conftest.py). SEED=n runs them in the random order of that seed. Bytecode is
# kept whatever the shell says: tests start hundreds of Python processes, and each would compile its modules anew.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(1) --dist loadgroup --no-loadscope-reorder $(if $(SEED),-p randomly --randomly-seed=$(SEED))

test: $(VENV)/ready ## Run the tests, without those of `make test-long`, three at a time
	@$(call PYTEST,3) -m "not long"

test-fast: $(VENV)/ready ## Run the tests that start no worker and no browser, build no image and train no model
	@$(call PYTEST,4) -m "not system and not slow and not long"

test-long: $(VENV)/ready ## Run the tests that take minutes: training by another backend
	@$(call PYTEST,2) -m long

mutants: $(VENV)/ready ## List small changes of OF=file or commit range (all) that no fast test notices; SAMPLE=n of them
	@$(BIN)/python -m checks.mutants $(OF) $(if $(SAMPLE),--sample $(SAMPLE))

lint: $(VENV)/ready ## Check style, types, import rules and terms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m checks.terms

# To ignore an advisory that does not concern the project, add --ignore-vuln ID with the reason beside it.
audit: $(VENV)/ready ## Look up known vulnerabilities of all requirements
	@$(BIN)/python -m checks.audit requirements.txt deploy/requirements/*.txt

# detect-secrets-hook may correct line numbers in its baseline, and then exits with 3. So it gets a copy of the baseline.
secrets: $(VENV)/ready ## Search FILES (all that git tracks) for secrets
	@known=$$(mktemp) && cp .secrets.baseline "$$known" && \
	{ $(BIN)/detect-secrets-hook --no-verify --baseline "$$known" $(FILES) >"$$known.log" || [ $$? -eq 3 ]; }; \
	status=$$?; [ $$status -eq 0 ] || cat "$$known.log"; rm -f "$$known" "$$known.log"; exit $$status

containers: $(VENV)/ready ## Build the images, start the compose file with a real engine and try it (10 minutes)
	@$(BIN)/python -m checks.containers

first-day: $(VENV)/ready ## Run an operator's first day on real processes
	@$(BIN)/python -m pytest tests/system/operations/test_first_day.py -s -q

agreement: $(VENV)/ready ## Compare every installed runtime with TensorFlow on rendered images, or on DATA=path
	@$(BIN)/python -m benchmarks.runtimes.agreement $(if $(DATA),--data "$(DATA)")

bench: $(VENV)/ready ## Measure throughput and latency against a one-process baseline (5 minutes on an idle machine)
	@$(BIN)/python -m benchmarks.batching

bench-cores: $(VENV)/ready ## Measure 1, 2, 4, 8 worker processes against what as many cores can do
	@$(BIN)/python -m benchmarks.cores

bench-gpu: $(VENV)/ready ## Measure runtime, decoding and workers on this machine's GPU, or else its CPU; QUICK=1: small sizes
	@$(BIN)/python -m benchmarks.runtimes.gpu $(if $(QUICK),--quick)

bench-start: $(VENV)/ready ## Measure how long a worker takes to start
	@$(BIN)/python -m benchmarks.runtimes.start

bench-interactive: $(VENV)/ready ## Measure the latency of interactive images behind 5,000 bulk images
	@$(BIN)/python -m benchmarks.interactive_latency

bench-backlog: $(VENV)/ready ## Measure what a photograph costs Redis while 200,000 wait, against 1,000
	@$(BIN)/python -m benchmarks.ledger_backlog

bench-hostile: $(VENV)/ready ## Measure the latency of interactive images beside a folder of hostile files
	@$(BIN)/python -m benchmarks.hostile_files

bench-suspects: $(VENV)/ready ## Measure the time for images that a killed worker held, against others
	@$(BIN)/python -m benchmarks.suspect_images

bench-long: $(VENV)/ready ## Measure the memory of worker and Redis over 20,000 images
	@$(BIN)/python -m benchmarks.memory

soak: $(VENV)/ready ## Run half an hour (MINUTES=n) at 80 % of the baseline; report growth, losses and latency
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

load: $(VENV)/ready ## Let 500 simulated users send four photographs each, without and with Telegram's rate limits
	@$(BIN)/python -m benchmarks.chat.load

bot-profile: $(VENV)/ready ## Show where the bot's CPU time for a photograph goes, under the load of `make load`
	@$(BIN)/python -m benchmarks.chat.bot_profile

faults: $(VENV)/ready ## Send 1,000 photographs while processes are killed, Redis refuses and Telegram calls fail
	@$(BIN)/python -m benchmarks.chat.faults

RECIPE ?= lite0

train: $(VENV)/ready ## Train RECIPE=lite0 on DATA=path from START=weights into runs/lite0 (hours on two cores)
	@$(BIN)/melanoma-train "$(RECIPE)" --data "$(DATA)" $(if $(START),--start "$(START)") --run "runs/$(RECIPE)"

# Empty: keep the versions that still satisfy pyproject.toml.
UPGRADE ?= --upgrade

requirements: ## Update requirements.txt from pyproject.toml, without the extras gpu and tensorboard (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links $(UPGRADE) --output-file requirements.txt \
		--extra worker --extra bulk --extra bot --extra simulator --extra training --extra local --extra ops --extra dev pyproject.toml

# Requirements of each image, in the versions of requirements.txt. Only the GPU libraries are not in that file.
# `common` are the libraries that all of them have.
IMAGES := bot common gpu local ops simulator worker

requirements-images: ## Update deploy/requirements/*.txt from requirements.txt (needs uv)
	@for role in $(IMAGES); do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links --constraints requirements.txt \
			--output-file deploy/requirements/$$role.txt --extra image $$([ $$role = common ] || echo --extra $$role) pyproject.toml || exit 1; \
	done

release-check: $(VENV)/ready ## Check version, CHANGELOG, requirements and images of a release; write their SBOMs to dist/sbom
	@$(BIN)/python -m checks.release

clean: ## Remove .venv and demo-out; data of `make up` stays in .local
	@rm -rf $(VENV) demo-out

# pip checks each file against its hash. The project itself is installed in editable mode.
$(VENV)/ready: requirements.txt pyproject.toml
	@python=$$(sh local/find-python.sh) || exit 1; \
	echo "setting up $(VENV) with $$python (a few minutes the first time)"; \
	"$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
