# What a developer runs. `make test` installs what the tests need into .tools and node_modules, and nothing else.

GOLANGCI_LINT_VERSION := v2.15.0
VERSITYGW_VERSION     := v1.8.0
FAKE_GCS_VERSION      := v1.56.1
MINIO_VERSION         := v0.0.0-20260212201848-7aac2a2c5b7c
NATS_OLD_VERSION      := v2.14.4
TOOLS   := $(CURDIR)/.tools
LINT    := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
READERS := format/formattest/readers
AZURITE := store/cloudtest/azurite

# Servers that speak the clouds' protocols, by the names under which store/cloudtest looks for them, and an older nats-server, by
# the name under which jetcapture/capturetest does.
SERVERS := $(TOOLS)/versitygw-$(VERSITYGW_VERSION) $(TOOLS)/fake-gcs-server-$(FAKE_GCS_VERSION) $(AZURITE)/node_modules/.installed \
	$(TOOLS)/nats-server-$(NATS_OLD_VERSION)

.PHONY: help build test cover simulate model lint ci bench demo tools readers servers minio fmt clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# Help does without text/template. It calls methods by names that only the running program knows, so that the linker has to keep every
# exported method: a third of the file.
build: ## bin/jc-parquet: one static file
	CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_template -ldflags '-s -w' -o bin/jc-parquet ./cmd/jc-parquet
	@wc -c bin/jc-parquet

# What foreign readers read, and what becomes of messages when processes are killed or schedules simulated, does not depend on the
# race detector, with which it takes many times as long: these tests skip themselves in the second run.
test: readers servers ## all tests, against real servers and foreign readers, without and with the race detector, and seconds of fuzzing
	JETCAPTURE_REQUIRE_TOOLS=1 JETCAPTURE_SCHEDULES=$(SCHEDULES) go test -p 1 -timeout 30m ./format/... ./cmd/... ./jetcapture
	JETCAPTURE_REQUIRE_TOOLS=1 go test -race -timeout 45m ./...
	go test -run '^$$' -fuzz FuzzDecode -fuzztime 5s ./jetcapture/ledger
	go test -run '^$$' -fuzz FuzzBook -fuzztime 5s ./jetcapture/ledger

cover: readers servers ## how much of the code the tests run
	JETCAPTURE_REQUIRE_TOOLS=1 go test -timeout 30m -coverpkg=./... -coverprofile=.tools/cover.out ./...
	@go tool cover -func=.tools/cover.out | tail -n 1

SCHEDULES ?= 100000

simulate: ## schedules of crashes and lost answers against the ledger, and against broken ones; SCHEDULES=n for more
	JETCAPTURE_SCHEDULES=$(SCHEDULES) go test -count 1 -timeout 24h -run 'NoScheduleLoses|SimulationNotices' -v ./jetcapture

model: ## every state of the ledger's model; needs apt-get install spin
	jetcapture/ledger/model/check.sh

lint: $(LINT) ## the linters, and that generated and module files are tidy
	go mod tidy -diff
	$(LINT) run --allow-parallel-runners ./...

ci: lint test ## what must pass before a change lands
	@if command -v spin >/dev/null; then $(MAKE) --no-print-directory model; else \
		printf '%s\n' '*****' '***** NOT CHECKED: the model of the ledger, since spin is not installed: apt-get install spin' '*****' >&2; fi

bench: ## the figures of README, against yardsticks in the same run
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
