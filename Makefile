# What a developer runs. `make test` installs what the tests need into .tools and node_modules, and nothing else.

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.9.0
APIDIFF_VERSION       := v0.0.0-20261113113407-e3970619a1a4
VERSITYGW_VERSION     := v1.8.0
FAKE_GCS_VERSION      := v1.56.1
MINIO_VERSION         := v0.0.0-20260212201848-7aac2a2c5b7c
NATS_OLD_VERSION      := v2.14.4
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
VULN    := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)
APIDIFF := $(TOOLS)/apidiff-$(APIDIFF_VERSION)
READERS := format/formattest/readers
AZURITE := store/cloudtest/azurite

# Servers that speak the clouds' protocols, by the names under which store/cloudtest looks for them, and an older nats-server, by
# the name under which jetcapture/capturetest does.
SERVERS := $(TOOLS)/versitygw-$(VERSITYGW_VERSION) $(TOOLS)/fake-gcs-server-$(FAKE_GCS_VERSION) $(AZURITE)/node_modules/.installed \
	$(TOOLS)/nats-server-$(NATS_OLD_VERSION)

.PHONY: help build test snippets test-race test-plain test-long cover simulate model lint vulnerabilities api ci bench demo tools readers servers minio fmt clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

# Help does without text/template. It calls methods by names that only the running program knows, so that the linker has to keep every
# exported method: a third of the file.
build: ## bin/jc-parquet: one static file
	CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_template -ldflags '-s -w' -o bin/jc-parquet ./cmd/jc-parquet
	@wc -c bin/jc-parquet

# make test runs each test once, in its short form: with the race detector what has goroutines of ours, without it what takes many
# times as long by it and gains nothing. The marks are capturetest.WithoutRace, formattest's foreign readers, and testing.Short.
# The two halves run at the same time, two packages of the first, which waits more, and one of the other. Tests that wait for real
# time do so beside others.
GO_TEST      := JETCAPTURE_REQUIRE_TOOLS=1 go test -ldflags=-w -timeout 30m
SHORT        := $(GO_TEST) -short -parallel 6
WITHOUT_RACE := $(shell sed -n 's/^const WithoutRaceTests = "\(.*\)"/\1/p' jetcapture/capturetest/forms.go)

test: readers servers ## all tests in their short forms, against real servers and foreign readers: 10 minutes on 2 cores
	@$(MAKE) --no-print-directory -j 2 -O test-race test-plain
	go test -run '^$$' -fuzz FuzzDecode -fuzztime 3s ./jetcapture/internal/ledger
	go test -run '^$$' -fuzz FuzzBook -fuzztime 3s ./jetcapture/internal/ledger
	@echo 'These were the short forms. make test-long adds the rest: 100,000 schedules, all cases of the foreign-reader matrix, more'
	@echo 'messages, longer outages and chaos, into Azure too, and the race detector over all packages.'

test-race: ## the half of make test with the race detector
	$(SHORT) -p 2 -race -vet=off ./jetcapture/... ./store ./store/internal/... ./store/azurestore ./store/gcsstore ./store/s3store
	$(SHORT) -p 2 -race -vet=off -run 'Ahead|RowGroup|AtTheSameTime|AtOnce' ./format/parquet ./format/arrow ./schema

test-plain: ## the half of make test without the race detector
	$(SHORT) -parallel 3 -run '$(WITHOUT_RACE)' ./jetcapture
	$(SHORT) -p 1 ./format/... ./schema/... ./store/cloudtest/... ./cmd/... ./examples/...

test-long: readers servers ## all tests in their long forms, without and with the race detector: an hour
	JETCAPTURE_SCHEDULES=$(SCHEDULES) $(GO_TEST) -p 1 ./format/... ./cmd/... ./jetcapture
	$(GO_TEST) -timeout 45m -race ./...
	go test -run '^$$' -fuzz FuzzDecode -fuzztime 1m ./jetcapture/internal/ledger
	go test -run '^$$' -fuzz FuzzBook -fuzztime 1m ./jetcapture/internal/ledger

cover: readers servers ## how much of the code the tests run
	JETCAPTURE_REQUIRE_TOOLS=1 go test -timeout 30m -coverpkg=./... -coverprofile=.tools/cover.out ./...
	@go tool cover -func=.tools/cover.out | tail -n 1

snippets: readers ## every command and snippet of the documents
	JETCAPTURE_REQUIRE_TOOLS=1 go test -count 1 -run 'Documents|Manual' ./cmd/jc-parquet
	go test -count 1 ./cmd/jc-parquet/internal/docs
	go test -count 1 -run README ./cmd/jc-parquet/internal/bench

SCHEDULES ?= 100000

simulate: ## schedules of crashes and lost answers against the ledger, and against broken ones; SCHEDULES=n for more
	JETCAPTURE_SCHEDULES=$(SCHEDULES) go test -count 1 -timeout 24h -run 'NoScheduleLoses|SimulationNotices' -v ./jetcapture

model: ## every state of the ledger's model; needs apt-get install spin
	jetcapture/ledger/model/check.sh

lint: $(LINT) ## the linters, plain words, the order of files in the core, tidy module files, known vulnerabilities, and what changed in the API
	go mod tidy -diff
	$(LINT) run --allow-parallel-runners ./...
	go run ./jetcapture/internal/plainwords
	go run ./jetcapture/internal/filemap jetcapture >/dev/null
	@-$(MAKE) --no-print-directory vulnerabilities
	@-$(MAKE) --no-print-directory api

# The database of vulnerabilities changes without a change here, and needs the network: this says what it found, and fails nothing.
vulnerabilities: ## known vulnerabilities in what this module calls; needs the network, and never fails
	@if ! { test -x $(VULN) || $(MAKE) --no-print-directory $(VULN); }; then \
		echo 'NOT CHECKED: vulnerabilities, since govulncheck could not be installed'; \
	elif found=$$($(VULN) ./... 2>&1); then echo 'govulncheck: no known vulnerability is called'; \
	elif [ $$? -eq 3 ]; then printf '%s\n' "$$found" 'govulncheck found vulnerabilities, see above'; \
	else printf '%s\n' "$$found" 'NOT CHECKED: vulnerabilities, since govulncheck could not run, see above'; fi

# Until version 1.0 the API may change: this says how, and fails nothing.
api: ## what changed in the exported API since the last tag; never fails
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null); \
	if [ -z "$$tag" ]; then echo 'apidiff: there is no tag yet to compare the API with'; \
	elif ! { test -x $(APIDIFF) || $(MAKE) --no-print-directory $(APIDIFF); }; then echo 'NOT CHECKED: changes of the API, since apidiff could not be installed'; \
	else \
		old=$$(mktemp -d); trap 'git worktree remove --force "$$old/tree"; rm -rf "$$old"' EXIT; module=$$(go list -m); \
		git worktree add --quiet --detach "$$old/tree" "$$tag" && (cd "$$old/tree" && $(APIDIFF) -m -w "$$old/api" "$$module") && \
		echo "apidiff: changes of the API since $$tag" && $(APIDIFF) -m "$$old/api" "$$module" || echo 'NOT CHECKED: changes of the API, see above'; \
	fi

ci: lint test ## what must pass before a change lands
	@if command -v spin >/dev/null; then $(MAKE) --no-print-directory model; else \
		printf '%s\n' '*****' '***** NOT CHECKED: the model of the ledger, since spin is not installed: apt-get install spin' '*****' >&2; fi

bench: ## the figures of cmd/jc-parquet/internal/bench/README.md, against yardsticks in the same run
	go run ./cmd/jc-parquet/internal/bench

demo: ## the main job on an embedded server
	go run ./cmd/jc-parquet demo

fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

tools: $(LINT) readers servers ## install what lint and test need

readers: $(READERS)/node_modules/.installed

servers: $(SERVERS)

minio: $(TOOLS)/minio-$(MINIO_VERSION) ## a second S3 server, which the tests use if it is there; it builds for 10 minutes

%/node_modules/.installed: %/package-lock.json
	@mkdir -p $(TOOLS)
	cd $* && npm ci --no-audit --no-fund
	@touch $@

# install PACKAGE@VERSION as the target
define install
	@mkdir -p $(TOOLS)
	GOBIN=$@.bin go install $(1)
	mv $@.bin/* $@
	rmdir $@.bin
endef

$(LINT):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION))

$(VULN):
	$(call install,golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION))

$(APIDIFF):
	$(call install,golang.org/x/exp/cmd/apidiff@$(APIDIFF_VERSION))

$(TOOLS)/versitygw-$(VERSITYGW_VERSION):
	$(call install,github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION))

$(TOOLS)/fake-gcs-server-$(FAKE_GCS_VERSION):
	$(call install,github.com/fsouza/fake-gcs-server@$(FAKE_GCS_VERSION))

$(TOOLS)/nats-server-$(NATS_OLD_VERSION):
	$(call install,github.com/nats-io/nats-server/v2@$(NATS_OLD_VERSION))

$(TOOLS)/minio-$(MINIO_VERSION):
	$(call install,github.com/minio/minio@$(MINIO_VERSION))

clean: ## remove what make has installed and built
	rm -rf $(TOOLS) $(READERS)/node_modules $(AZURITE)/node_modules
