# The targets that people use. `make demo` and `make test` work on a fresh machine that has Go.

GO        ?= go
GOLANGCI  ?= golangci-lint
FUZZ      ?= 60s
SOAK      ?= 12m
TESTFLAGS ?=
I2PD      ?= -
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)

.PHONY: proto all build demo test race vet lint bench bench-network bench-plugin bench-ssu2 fuzz interop natlab soak clean

all: build

# The tunnel plugins that come with clove; each is the binary clove-plugin-NAME.
PLUGINS = tcp irc httpserver outproxy udp
BUILD   = CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

build:
	$(BUILD) -o bin/ ./cmd/...
	@set -e; for p in $(PLUGINS); do echo "build bin/clove-plugin-$$p"; $(BUILD) -o bin/clove-plugin-$$p ./plugins/$$p; done

# A private I2P network in one process, with an eepsite and both proxies. Ctrl-C ends it.
demo: build
	bin/clove demo

test:
	$(GO) test $(TESTFLAGS) ./...

race:
	$(GO) test -race $(TESTFLAGS) ./...

vet:
	$(GO) vet ./...
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these files'; exit 1; }

lint: vet
	$(GOLANGCI) run

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Eight clove processes in a network namespace: speed, latency, CPU and memory through 1, 2 and 3 hops.
bench-network: build
	$(GO) run ./tests/benchnetwork -clove bin/clove

# The data phase of SSU2 in all ways to move packets, and beside i2pd ($(I2PD); - finds it).
bench-ssu2: build
	$(GO) build -o bin/bench-network ./tests/benchnetwork
	$(GO) run ./tests/benchssu2 -clove bin/clove -network bin/bench-network -i2pd $(I2PD)

# What a plugin costs: throughput and CPU with one and without.
bench-plugin: build
	$(GO) run ./tests/benchplugin -clove bin/clove

# Every fuzz target for $(FUZZ).
fuzz:
	tests/fuzz.sh $(FUZZ)

# Against real i2pd routers, in a network namespace of its own.
interop:
	CLOVE_INTEROP=required $(GO) test -count=1 -v ./tests/interop/...

# Behind NATs of every kind and over bad lines, in network namespaces, with i2pd: verdicts, relays, transfers.
natlab:
	CLOVE_INTEROP=required CLOVE_NATLAB=full $(GO) test -count=1 -v -timeout 40m ./tests/natlab

# A download loop through i2pd for $(SOAK), beyond the life of every tunnel that was there at its start.
soak:
	CLOVE_INTEROP=required CLOVE_INTEROP_SOAK=$(SOAK) $(GO) test -count=1 -v -timeout 60m -run Soak ./tests/interop/...

clean:
	rm -rf bin

# The generated code of the plugin contract; needs protoc and its two Go plugins.
proto:
	cd plugins/api && protoc --go_out=pb --go_opt=paths=source_relative --go-grpc_out=pb --go-grpc_opt=paths=source_relative plugin.proto
