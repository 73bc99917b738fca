# The commands of this project; each is a short script in infra/local.
# PORT, VENDOR_PORT, ISSUER_PORT, HOP_PORT, LOCAL and STACK choose another local stack; two can run
# at once. With IAM=true, the stack holds every function to its role's policy. HTTP_ALLOW,
# SECRET_ALLOW and OTLP_ENDPOINT set the parameters HttpAllow, SecretAllow and OtlpEndpoint.
LOCAL ?= .local
PORT ?= 4599
STACK ?= holdfast
export LOCAL PORT STACK VENDOR_PORT ISSUER_PORT HOP_PORT HTTP_ALLOW SECRET_ALLOW OTLP_ENDPOINT
export IAM SCENARIO

.DEFAULT_GOAL := help
.PHONY: help demo test up down bench profile check screenshots fuzz advisories aws-check clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "make demo SCENARIO=help   lists the demo's scenarios"
	@echo "make up PORT=4700 LOCAL=.local-2   brings up a second stack"

demo: ## run the example workflow on the local stack, from trigger to receipt
	@infra/local/demo.sh

test: ## check everything and run all tests, on a stack of their own
	@infra/local/test.sh

up: ## build, start and deploy the local stack; then: source .local/env
	@infra/local/up.sh

down: ## end the local stack and remove what it left
	@infra/local/down.sh

bench: ## count and price requests, time the API, measure the programs; fails if an aim is missed
	@infra/local/bench.sh

profile: ## count what a step's call runs, by which the compiler optimizes the programs
	@infra/local/profile.sh

screenshots: ## pictures of the console's pages of the local stack, in target/console
	@infra/local/screenshots.sh

fuzz: ## mutated definitions, starts, tokens, slow expressions: SECONDS=600 each (3600: an hour)
	@FUZZ_SECONDS=$(or $(SECONDS),600) cargo test --locked --workspace --profile local --test fuzz -- --nocapture --test-threads 1

check: ## the gate without tests: format, lints, docs, dependencies, templates
	@infra/local/check.sh

advisories: ## look for known weaknesses of dependencies in the RustSec database, which is fetched
	@infra/local/setup.sh checks
	@PATH="$(CURDIR)/.venv/bin:$$PATH" cargo deny --locked check advisories

aws-check: ## check an AWS account with a stack that is made and removed: ENV=staging
	@$(if $(ENV),,$(error name an environment of samconfig.toml: make aws-check ENV=staging))infra/local/setup.sh stack
	@PATH="$(CURDIR)/.venv/bin:$$PATH" python3 infra/aws/check.py --env $(ENV)

clean: down ## also remove builds and installed tools
	@rm -rf target .venv .venv-checkov .venv-emulator .venv-powertools .venv-schemathesis .aws-sam .local-setup.lock infra/local/node_modules functions/console/node_modules
