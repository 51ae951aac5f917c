# The targets that people use. `make demo` and `make test` work on a fresh machine that has Go.

GO        ?= go
GOLANGCI  ?= golangci-lint
FUZZ      ?= 60s
SOAK      ?= 12m
TESTFLAGS ?= -timeout 20m
I2PD      ?= -
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)

# For the tests with real routers; CLOVE_INTEROP_LONG=1 takes longer.
INTEROP_TIME = $(if $(CLOVE_INTEROP_LONG),60m,20m)
NATLAB_TIME  = $(if $(CLOVE_INTEROP_LONG),120m,40m)

.PHONY: proto all build demo test race vet lint bench bench-network bench-plugin bench-ssu2 fuzz interop interop-hybrid natlab soak clean

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
	CLOVE_INTEROP=required $(GO) test -count=1 -v -timeout $(INTEROP_TIME) ./tests/interop/...

# Post-quantum handshakes with an i2pd that has them: make interop-hybrid I2PD=PATH.
interop-hybrid:
	@test -x '$(I2PD)' || { echo 'make interop-hybrid I2PD=PATH: name an i2pd 2.60 or later that was built with OpenSSL 3.5'; exit 2; }
	CLOVE_INTEROP=required CLOVE_HYBRID_I2PD='$(abspath $(I2PD))' $(GO) test -count=1 -v -timeout $(INTEROP_TIME) -run HybridInterop \
		./router/transport/ntcp2 ./router/transport/ssu2 ./router/transport/ssu2/wire

# Behind NATs of every kind and over bad lines, in network namespaces, with i2pd: verdicts, relays, transfers.
natlab:
	CLOVE_INTEROP=required CLOVE_NATLAB=full $(GO) test -count=1 -v -timeout $(NATLAB_TIME) ./tests/natlab

# A download loop through i2pd for $(SOAK), beyond the life of every tunnel that was there at its start.
soak:
	CLOVE_INTEROP=required CLOVE_INTEROP_SOAK=$(SOAK) $(GO) test -count=1 -v -timeout 60m -run Soak ./tests/interop/...

clean:
	rm -rf bin

# The generated code of the plugin contract; needs protoc and its two Go plugins.
proto:
	cd plugins/api && protoc --go_out=pb --go_opt=paths=source_relative --go-grpc_out=pb --go-grpc_opt=paths=source_relative plugin.proto
