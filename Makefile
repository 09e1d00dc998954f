# What a developer runs. `make test` installs what the tests need into .tools and node_modules, and nothing else.

GOLANGCI_LINT_VERSION := v2.15.0
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
READERS := format/formattest/readers

.PHONY: help test lint ci bench demo tools readers fmt clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

test: readers ## all tests, with the race detector, against real servers and foreign readers
	JETCAPTURE_REQUIRE_TOOLS=1 go test -race -timeout 30m -coverpkg=./... -coverprofile=.tools/cover.out ./...
	@go tool cover -func=.tools/cover.out | tail -n 1

lint: $(LINT) ## the linters, and that generated and module files are tidy
	go mod tidy -diff
	$(LINT) run --allow-parallel-runners ./...

ci: lint test ## what must pass before a change lands

bench: ## the figures of README, against yardsticks in the same run
	go run ./cmd/jc-parquet/internal/bench

demo: ## the main job on an embedded server
	go run ./cmd/jc-parquet demo

fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

tools: $(LINT) readers ## install what lint and test need

readers: $(READERS)/node_modules/.installed

$(READERS)/node_modules/.installed: $(READERS)/package-lock.json
	@mkdir -p $(TOOLS)
	cd $(READERS) && npm ci --no-audit --no-fund
	@touch $@

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/bin/golangci-lint $@

clean: ## remove what make has installed and built
	rm -rf $(TOOLS) $(READERS)/node_modules
