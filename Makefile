# AtendeAI: every target sets up what it needs and is safe to run again. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Where the environment forbids it, each of the tests' many processes would compile the whole project anew.
unexport PYTHONDONTWRITEBYTECODE

# When this run began, in seconds since 1970: the programs that it starts count from here.
export ATENDEAI_STARTED := $(or $(ATENDEAI_STARTED),$(shell date +%s))
# A line as those programs say it.
say = @since=$$(($$(date +%s) - ATENDEAI_STARTED)); printf '[%3d:%02d] %s\n' $$((since / 60)) $$((since % 60)) "$(1)" >&2

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER := $(PYTHON) e2e/cluster
# The second is the chart's copy: Helm reads nothing outside its chart.
CRDS := crds charts/atendeai/files/crds
OPENAPI := services/openapi
# Two processes, each with servers of its own; the tests of one file stay together.
PARALLEL := -n 2 --dist loadfile
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/atendeai
# Where tests with servers of their own are: every process of theirs imports all of that to find them.
SERVED := $(filter-out %/domain/ %/eval/ %/__pycache__/,$(wildcard services/tests/*/)) operator/tests/tenancy
LOCKS := requirements.lock requirements-services.lock requirements-operator.lock
# What the services understand messages with, and everything it is learnt from.
MODEL := services/atendeai/domain/understanding/intents.model.json
TEACHES := $(wildcard services/training/*.py services/training/phrases/*.txt services/atendeai/domain/understanding/*.py)

.PHONY: help
help: ## Explain every target in one line
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- the two commands
.PHONY: up test
up: venv ## A kind cluster with the operator, a stack and two clinics; ends with a WhatsApp message answered
	@$(CLUSTER) up
	@PYTHONPATH=e2e $(BIN)/python -m local.deploy
	@PYTHONPATH=e2e $(BIN)/python -u -m local.demo # its conversations in step with its times, which go to stderr

test: venv apt ## Everything CI runs
	@$(MAKE) -j 2 test-pipeline test-cluster
	@$(MAKE) e2e

# What the cluster is made of is built, where it is not cached, beside the tests that need no cluster. It is started, empty
# yet, beside those that mostly wait for an API server; what runs in it would take as long again if it shared the processors
# with the rest. Each line says whose it is. What needs no tools is tested first: they are built meanwhile.
.PHONY: test-servers test-pipeline test-prepared test-cluster
ALONE := env -u MAKEFLAGS -u MFLAGS $(MAKE)
test-servers:
	@$(ALONE) lint-code integration lint-manifests unit 2>&1 | sed -u 's/^/tests   | /'
test-pipeline: test-servers
	@$(ALONE) pipeline 2>&1 | sed -u 's/^/tests   | /'
test-prepared:
	@$(CLUSTER) prepare 2>&1 | sed -u 's/^/cluster | /'
test-cluster: test-servers test-prepared
	@$(CLUSTER) up 2>&1 | sed -u 's/^/cluster | /'

# ---------------------------------------------------------------- layers of the tests
.PHONY: lint lint-code lint-manifests unit integration pipeline e2e e2e-beside e2e-alone
lint: lint-code lint-manifests ## Formatting, lint rules, types, import layers, generated files
lint-code: venv
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --cache-dir $(CACHE)/mypy
	@$(BIN)/mypy --cache-dir $(CACHE)/mypy-tests operator/tests services/tests # a run of their own: e2e has a package `tests` too
	@$(BIN)/lint-imports --no-cache
	@for folder in $(CRDS); do $(BIN)/python -m atendeai_operator.api.crds --check $$folder; done
	@$(BIN)/python tools/openapi.py --check $(OPENAPI)
	@cd services && ../$(BIN)/python -m atendeai.kit.permissions --check permissions.md
lint-manifests: venv # needs Helm
	@$(BIN)/python manifests/render.py --check

unit: venv tools ## Pure rooms and golden files; no server, no cluster
	@$(BIN)/pytest -q $(PARALLEL) -m "not integration and not pipeline and not e2e"

integration: venv apt ## Services and tenancy on a real PostgreSQL 15 and Redis 7
	@# One more than processors: many of them wait, for what only time brings.
	@$(BIN)/pytest -q -n 3 --dist loadfile -m integration $(SERVED)

pipeline: venv tools ## The operator's reconcile on a real kube-apiserver and etcd
	@$(BIN)/pytest -q $(PARALLEL) operator/tests/pipeline

e2e: up ## The whole on the local cluster, from outside and from inside; does `up` first
	@$(ALONE) e2e-beside e2e-alone
e2e-beside: # one process for each clinic that is touched: most of them wait, for pods and for patients to have said all
	@$(BIN)/pytest -q -n 6 --dist loadscope --durations=10 -m "e2e and not alone" e2e/tests
e2e-alone: # what touches all clinics
	@$(BIN)/pytest -q --durations=10 -m "e2e and alone" e2e/tests

.PHONY: verify-kong
verify-kong: venv ## The edge suite on a real Kong, where its image is reachable
	@PYTHONPATH=e2e $(BIN)/python -m local.verify_kong

.PHONY: soak-contracts
soak-contracts: venv apt ## Every service against its OpenAPI document with many random requests (EXAMPLES=300)
	@ATENDEAI_CONTRACT_EXAMPLES=$(or $(EXAMPLES),300) $(BIN)/pytest -q $(PARALLEL) services/tests/contracts

.PHONY: eval
eval: venv ## How well the attendant understands, on data nobody tuned it on (ARGS="--dev --show 20" for the other part)
	@cd services && ../$(BIN)/python -m eval.run $(ARGS)

# ---------------------------------------------------------------- how fast
.PHONY: bench-services bench-tenancy bench-startup bench-ingest soak-tenancy
bench-services: venv apt ## Webhooks and reads, side by side with Fastify and node-postgres (RUNS=5 REQUESTS=10000)
	@cd services && ../$(BIN)/python -m bench.services
bench-tenancy: venv apt ## What row security and a thousand clinics' partitions cost a read (CLINICS=1000)
	@cd services && ../$(BIN)/python -m bench.tenancy
bench-startup: venv apt ## Processor time until each service answers
	@cd services && ../$(BIN)/python -m bench.startup
bench-ingest: venv ## 1000 webhooks a second through HAProxy, gateway and service of the local cluster (RATE=1000 LOAD_SECONDS=60)
	@PYTHONPATH=e2e $(BIN)/python -m local.ingest
soak-tenancy: venv apt ## A million mixed requests of two clinics through a transaction pooler return nothing of the other (REQUESTS=1000000)
	@cd services && ../$(BIN)/python -m bench.soak

# ---------------------------------------------------------------- the local cluster
.PHONY: chat cluster down clean-cache
CLINIC ?= sol
chat: venv ## Talk to a clinic of the local cluster in the terminal, as a patient would (CLINIC=sol NUMBER=5511… to go on)
	@PYTHONPATH=e2e $(BIN)/python -m local.chat $(CLINIC) $(if $(NUMBER),--number '$(NUMBER)')
cluster: ## A kind cluster of one control plane and one worker
	@$(CLUSTER) up
down: ## Remove the cluster and nothing else
	@$(CLUSTER) down
clean-cache: ## Say what the caches hold, then free them
	@$(CLUSTER) clean-cache

# ---------------------------------------------------------------- a cluster of your own
.PHONY: images
images: ## The operator's and the services' image for a registry of yours (REGISTRY=host/path VERSION=2.0.0 PUSH=1)
	@$(CLUSTER) publish $(or $(REGISTRY),$(error images: REGISTRY=registry.example.com/atendeai says for which registry)) \
	  $(if $(VERSION),--tag $(VERSION)) $(if $(filter-out 0,$(PUSH)),--push)

# ---------------------------------------------------------------- generated files
.PHONY: crds golden openapi permissions format lock
crds: venv ## Write the CRDs from the pydantic models
	@for folder in $(CRDS); do $(BIN)/python -m atendeai_operator.api.crds $$folder; done
golden: venv tools ## Rewrite the golden files; read the diff before committing it
	@$(BIN)/pytest -q operator/tests/golden --rewrite
openapi: venv ## Write what each service promises over HTTP: one OpenAPI 3.1 document per service
	@$(BIN)/python tools/openapi.py $(OPENAPI)
permissions: venv ## Write the table of permissions that every route checks
	@cd services && ../$(BIN)/python -m atendeai.kit.permissions permissions.md
format: venv ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
lock: venv ## Pin every dependency with hashes (no addresses)
	@$(BIN)/python tools/lock.py $(LOCKS)

# ---------------------------------------------------------------- what the targets stand on
.PHONY: venv apt tools
venv: $(VENV)/.stamp $(MODEL) ## The virtual environment, from the lock file, and the trained classifier of intents
$(VENV)/.stamp: requirements.lock pyproject.toml
	$(call say,virtual environment …)
	@if ! $(PYTHON) -m venv $(VENV) >/dev/null 2>&1; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); fi
	@awk '/^uv==/ {own = 1} own {print; if (!/\\$$/) exit}' requirements.lock >$(VENV)/uv.lock
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@# uv takes seconds where pip takes a minute; pip knows mirrors that are configured for pip alone.
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --require-hashes -r requirements.lock || \
	  $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . # trains as well
	@touch $@
	$(call say,virtual environment: done)
$(MODEL): $(TEACHES) | $(VENV)/.stamp
	$(call say,classifier of intents …)
	@cd services && ../$(BIN)/python -m training.train
	$(call say,classifier of intents: done)
apt: ## Debian packages the tests start: PostgreSQL 15, Redis 7, PgBouncer
	@$(CLUSTER) apt
tools: ## kube-apiserver, etcd, kubectl, helm and promtool, built from modules and cached
	@$(CLUSTER) bin kube-apiserver etcd kubectl helm promtool >/dev/null
