# Everything starts here: `make help`. The first run makes .venv; only Python 3.11+, pip and make are needed.

PYTHON ?= python3
RUN := .venv/bin/python

export REPLAY SPEED PORT VERBOSE TRADINGVIZ_STATE

.DEFAULT_GOAL := help

##@ Running

.PHONY: run
run: install ## Start everything: REPLAY=<file or folder> SPEED=<number|max> PORT=8081 VERBOSE=1
	@$(RUN) -m tradingviz.quickstart run

.PHONY: dev
dev: install ## The same, and load the code again when a source file changes
	@$(RUN) -m tradingviz.quickstart dev

.PHONY: stop
stop: ## End what `make run` started, also after its manager was killed
	@test ! -x $(RUN) || $(RUN) -m tradingviz.quickstart stop

.PHONY: watch
watch: install ## A live chain in the terminal, of what `make run` runs: CHAIN="NIFTY NWeek+0" PORT=8081
	@PYTHONPATH=clients/python $(RUN) -m tradingviz_client chain $(or $(CHAIN),NIFTY) --url http://127.0.0.1:$(or $(PORT),8081)

##@ Checking

.PHONY: test
test: install-dev ## Run the whole suite; ends with one line of counts
	@$(RUN) -m tests.run

##@ Measuring

.PHONY: bench-pricing
bench-pricing: install-dev ## Implied volatilities and Greeks a second, beside other libraries
	@$(RUN) -m benchmarks.pricing

.PHONY: bench-ingest
bench-ingest: install-dev ## Ticks a second into committed bars; from tick to frame
	@$(RUN) -m benchmarks.ingest

.PHONY: bench-gate
bench-gate: install-dev ## What identifying, counting and logging add to a request
	@$(RUN) -m benchmarks.gate

.PHONY: bench-storage
bench-storage: install-dev ## Chains, series and latest states out of 20 M bars (root, TimescaleDB, 12 GB, 20 minutes)
	@$(RUN) -m benchmarks.storage

.PHONY: bench-m2m
bench-m2m: install-dev ## 10,000 strategies marked to market, beside a worker that takes one after another
	@$(RUN) -m benchmarks.m2m

.PHONY: bench-fanout
bench-fanout: install-dev .venv-peers ## From a publication to 1,000 sockets, beside three other ways
	@$(RUN) -m benchmarks.fanout

.PHONY: bench-deaf
bench-deaf: install-dev ## What a client that never reads costs the others
	@$(RUN) -m benchmarks.deaf

.PHONY: bench-rest
bench-rest: install-dev .venv-peers ## Answers of the REST API, cold and cached, beside a FastAPI peer
	@$(RUN) -m benchmarks.rest

# What only the peers need. Where it cannot be made, the benchmark says so and measures ours alone.
.venv-peers: benchmarks/peers/requirements.txt
	-@$(PYTHON) -m venv $@ && $@/bin/pip install --quiet --requirement $< && touch $@

##@ Setting up

.PHONY: install
install: python ## Make .venv and install the pinned packages, when they changed
	@$(PYTHON) ops/bootstrap.py base

.PHONY: install-dev
install-dev: python ## The same with what tests, lint and types need
	@$(PYTHON) ops/bootstrap.py dev

.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3 python3-venv" >&2; exit 1; }

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
