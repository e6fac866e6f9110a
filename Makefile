# Everything one types in this project. `make` alone lists it.

# Where the Swift toolchain usually is, should it not be on PATH.
SWIFT_PLACES := $(HOME)/.local/share/swiftly/bin $(HOME)/.swiftly/bin /opt/swift/usr/bin \
	/usr/local/swift/usr/bin /usr/share/swift/usr/bin
SWIFT := $(firstword $(shell command -v swift 2>/dev/null) \
	$(wildcard $(addsuffix /swift,$(SWIFT_PLACES))))
# Scripts below find the same one.
ifneq ($(SWIFT),)
export PATH := $(patsubst %/,%,$(dir $(SWIFT))):$(PATH)
endif

RELEASE := .build/release/cadre
# The Swift runtime goes into the binary, so that it runs where no Swift is; its calls are cheaper
# too (7 % less CPU an Invoke). macOS has the runtime.
RELEASE_BUILD := swift build -c release $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)

.DEFAULT_GOAL := help
.PHONY: help setup toolchain build release release-load run demo test conformance bench \
	bench-breaker bench-cache bench-events bench-metrics bench-workflows bench-parked bench-peers \
	bench-python bench-sharing bench-store instructions generate \
	generated-check format format-check proto-lint tidy crash crash-long clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: toolchain ## install the system packages that are missing
	@.ci/setup build

toolchain:
	@test -n "$(SWIFT)" || { \
		echo "make: there is no swift on PATH; install Swift 6.2 or later from https://swift.org/install"; \
		exit 1; }

build: setup ## build all, with debug checks
	swift build

release: setup ## build the binary as it is shipped
	$(RELEASE_BUILD) --product cadre

run: release ## start the service on a simulated exchange, show the demo, go on serving
	$(RELEASE) demo --keep-serving

demo: release ## show the demo, then end
	$(RELEASE) demo

test: setup ## run every test, ours and the foreign programs'
	@.ci/test

conformance: build ## run only the foreign programs
	@python3 Tests/Conformance/run.py

bench: release ## measure Invoke's cost beside grpc C++
	@.ci/setup bench
	@$(MAKE) --no-print-directory -C Tests/Benchmarks/peers/grpc_cpp
	@$(MAKE) --no-print-directory -C Tests/Benchmarks/peers/bare_sockets
	@python3 Tests/Benchmarks/invoke_cost.py

release-load: release
	$(RELEASE_BUILD) --product WorkflowLoad
	$(RELEASE_BUILD) --product EchoWorker

bench-workflows: release-load ## measure durable workflows: rate, latency, CPU, bytes, memory
	@python3 Tests/Benchmarks/workflows.py

bench-parked: release-load ## measure 100,000 open runs that only wait
	@python3 Tests/Benchmarks/parked.py

bench-events: release-load ## measure the fan-out of events to subscribers
	@python3 Tests/Benchmarks/events.py

bench-peers: release-load ## measure them beside Temporal, DBOS, LangGraph and AutoGen
	@python3 Tests/Benchmarks/peers.py

bench-python: release ## measure workflows and invokes with a client and a worker in Python
	@python3 Tests/Benchmarks/python_bench.py

bench-sharing: release-load ## measure shared memory and locks beside etcd and Redis
	$(RELEASE_BUILD) --product SharingLoad
	@.ci/setup peers
	@python3 Tests/Benchmarks/sharing.py

bench-store: setup ## hold the store against a bare C loop
	$(RELEASE_BUILD) --product StoreBench
	@python3 Tests/Benchmarks/store_bench.py

bench-cache: release ## measure lookups in the shared cache: in process, on more threads, over gRPC
	$(RELEASE_BUILD) --product CacheBench
	$(RELEASE_BUILD) --product CallFloor
	.build/release/CacheBench
	@.ci/setup bench
	@python3 Tests/Benchmarks/cache_cost.py

bench-breaker: setup ## measure what asking and telling a breaker costs
	$(RELEASE_BUILD) --product BreakerBench
	.build/release/BreakerBench

bench-metrics: setup ## measure what counting costs, and a scrape of 10,000 series
	$(RELEASE_BUILD) --product MetricsBench
	.build/release/MetricsBench

instructions: release ## hold Invoke's instructions to their threshold
	@.ci/setup checks
	@python3 Tests/Benchmarks/instructions.py

generate: setup ## write all code that comes from proto/
	proto/generate.sh

generated-check: setup ## fail if that code is not up to date
	@proto/generate.sh --check

format: toolchain ## format all sources
	@.ci/format

format-check: toolchain ## fail if a source is not formatted
	@.ci/format --check

proto-lint: ## check the protos against buf's standard rules
	@.ci/proto-lint

tidy: setup ## check the laws of the house
	swift test --filter TidyTests

crash: release ## end processes at their worst moments, and see what is left
	@.ci/crash

crash-long: release ## the same, 200 times
	@.ci/crash 200

clean: ## remove all that was built
	rm -rf .build proto/generator/.build
