# SPDX-License-Identifier: BSD-2-Clause
# The one place where things are built. `make help` lists the verbs; V=1 shows the commands.
.DELETE_ON_ERROR:

BUILD   := build
Q       := $(if $(V),,@)
say      = @printf '  %-8s %s\n' $(1) $(2)

CLANG   ?= clang-14
CXX     ?= g++
CC      ?= cc
BPFTOOL ?= bpftool
NODE    ?= node
BIN     := node_modules/.bin

# Debian keeps asm/types.h in the multiarch folder, where a BPF target does not look by itself.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
# Node's headers (and libuv's) lie beside the node that runs.
NODE_INC  := $(shell $(NODE) -p "require('path').resolve(process.execPath,'../../include/node')" 2>/dev/null)

# -g for the BTF that maps and layouts need; v3 for 32-bit jumps, which every kernel from 5.1 on has.
BPF_FLAGS    := -g -O2 -Wall -Wextra -Werror -target bpf -mcpu=v3 -I/usr/include/$(MULTIARCH)
# A thread that ends while one of ours is at work has nobody left to throw at.
NATIVE_FLAGS := -std=c++17 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror \
                -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS \
                -Inode_modules/node-addon-api -I$(NODE_INC)

BPF_HEADERS := $(wildcard bpf/*.h)
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.o,$(wildcard bpf/*.bpf.c))
TS_SOURCES  := $(shell find src test -name '*.ts' -not -name '*.gen.d.ts')
WEB_FILES   := $(wildcard src/web/*.html src/web/*.css src/web/*.svg)
FORMATTED   := 'src/**/*.ts' 'test/**/*.ts' 'src/web/*.{html,css}' '!src/**/*.gen.d.ts'
LAB_TOOLS   := $(patsubst src/lab/tools/%.c,$(BUILD)/lab/%,$(wildcard src/lab/tools/*.c))
BENCH_OBJECTS := $(patsubst src/bench/%.bpf.c,$(BUILD)/bench/%.o,$(wildcard src/bench/*.bpf.c))
SHELLS      := $(patsubst %,$(BUILD)/%,$(wildcard src/completion/havip.*))

.PHONY: all help test demo bench check layout format clean man install uninstall packages

all: $(BPF_OBJECTS) $(BENCH_OBJECTS) $(BUILD)/native/havip.node $(BUILD)/.compiled $(BUILD)/src/api/havip.proto $(LAB_TOOLS) $(SHELLS) ## build everything (the default)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the fast path ---------------------------------------------------------------------------------------------------

$(BUILD)/bpf/%.o: bpf/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -c $< -o $@

$(BUILD)/bpf/layout.o: bpf/layout.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -c $< -o $@

$(BUILD)/bench/%.o: src/bench/%.bpf.c src/bench/bare.h
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -c $< -o $@

# --- the native addon ------------------------------------------------------------------------------------------------

$(BUILD)/native/havip.node: $(wildcard src/native/*.cc src/native/*.h) node_modules/.package-lock.json
	@[ -f $(NODE_INC)/uv.h ] || { echo "Node's headers are not at $(NODE_INC): install a Node that brings them"; exit 1; }
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(NATIVE_FLAGS) src/native/*.cc -o $@ -lbpf

$(BUILD)/lab/%: src/lab/tools/%.c src/lab/tools/common.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -Werror -pthread $< -o $@

# --- TypeScript ------------------------------------------------------------------------------------------------------

node_modules/.package-lock.json: package.json package-lock.json
	$(call say,NPM,ci)
	$(Q)npm ci --no-audit --no-fund --loglevel=error
	@touch $@

PBJS   := $(BIN)/pbjs --no-verify --no-delimited --no-typeurl -t static-module -w esm --dts -p src/api
PROTOS := src/api/havip.proto src/history/history.proto

# One module for both: the history holds the API's messages.
$(BUILD)/src/api/havip.gen.js: $(PROTOS) node_modules/.package-lock.json
	$(call say,PBJS,$<)
	@mkdir -p $(@D)
	$(Q)$(PBJS) -o $@ $(PROTOS)
	$(Q)mv $(@:.js=.d.ts) src/api/havip.gen.d.ts

# What reflection tells clients is read from it.
$(BUILD)/src/api/havip.proto: src/api/havip.proto
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The page is a program of its own, for browsers: modules as they are served, no bundler.
$(BUILD)/.compiled: $(TS_SOURCES) $(WEB_FILES) tsconfig.json src/web/tsconfig.json $(BUILD)/src/api/havip.gen.js node_modules/.package-lock.json
	$(call say,TSC,src test)
	$(Q)$(BIN)/tsc -p .
	$(Q)$(BIN)/tsc -p src/web
	$(Q)cp $(WEB_FILES) $(BUILD)/src/web/
	@chmod +x $(BUILD)/src/cli/main.js
	@touch $@

# What is the shell's in the completion scripts; the tree's is filled in when they are asked for.
$(BUILD)/src/completion/havip.%: src/completion/havip.%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# --- generated and checked -------------------------------------------------------------------------------------------

LAYOUT = $(BPFTOOL) --json btf dump file $(BUILD)/bpf/layout.o | $(NODE) $(BUILD)/src/kernel/generate-layout.js | \
         $(BIN)/prettier --stdin-filepath layout.ts

# What does not compile yet may be waiting for just this.
layout: $(BUILD)/bpf/layout.o node_modules/.package-lock.json ## write src/kernel/layout.gen.ts anew from bpf/havip.h
	$(Q)$(BIN)/tsc -p . >/dev/null || :
	$(Q)$(LAYOUT) > $(BUILD)/layout.gen.ts && test -s $(BUILD)/layout.gen.ts && cp $(BUILD)/layout.gen.ts src/kernel/layout.gen.ts

check: all $(BUILD)/bpf/layout.o ## compare what is generated, lint, and check the formatting
	$(call say,CHECK,layout)
	$(Q)$(LAYOUT) | diff -u src/kernel/layout.gen.ts - || { echo 'src/kernel/layout.gen.ts is stale: make layout'; exit 1; }
	$(call say,CHECK,lint)
	$(Q)$(BIN)/eslint -c .config/eslint.config.js src test
	$(call say,CHECK,format)
	$(Q)$(BIN)/prettier --check --log-level warn $(FORMATTED)

format: ## format the TypeScript and the page
	$(Q)$(BIN)/prettier --write --log-level warn $(FORMATTED)

# --- running ---------------------------------------------------------------------------------------------------------

BUILD_PACKAGES := clang-14 libbpf-dev linux-libc-dev g++ make bpftool
DEMO_PACKAGES  := $(BUILD_PACKAGES) iproute2 util-linux procps ethtool keepalived curl iputils-ping
FUZZ_PACKAGES  := $(BUILD_PACKAGES) libclang-rt-14-dev
TEST_PACKAGES  := $(DEMO_PACKAGES) iputils-arping iperf3 tcpdump nftables frr ucarp prometheus chromium tmux

# $(1): packages. Asks the network only when one is missing.
install_packages = dpkg-query -W -f '$${db:Status-Status}\n' $(1) 2>/dev/null | grep -c '^installed$$' | \
	grep -qx $(words $(1)) || { apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(quietly) apt-get install -y -qq --no-install-recommends $(1); }

# The services that come along (frr) are not to run: unless the host has its own policy for that.
POLICY  := /usr/sbin/policy-rc.d
quietly  = sh -c '[ -e $(POLICY) ] || { trap "rm -f $(POLICY)" EXIT; printf "\#!/bin/sh\nexit 101\n" > $(POLICY); \
	chmod 755 $(POLICY); }; "$$@"' --

.PHONY: root demo-packages test-packages
root:
	@[ "$$(id -u)" = 0 ] || { echo 'this needs root: it loads BPF programs and makes network namespaces (sudo make ...)'; exit 3; }

demo-packages: root
	$(Q)$(call install_packages,$(DEMO_PACKAGES))

test-packages: root
	$(Q)$(call install_packages,$(TEST_PACKAGES))

packages: test-packages ## install the Debian packages that building, the demo and the tests need (root)

# The packages come first, in a make of their own: the rules above look for what they bring.
demo: demo-packages ## a lab with a real keepalived pair: fails it over and shows what happened (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(NODE) $(BUILD)/src/cli/main.js demo $(DEMO_FLAGS)

# AVA_FLAGS=--tap for a machine. Tests of namespaces run one file at a time: they share two cores and measure losses.
test: test-packages ## install, build, check, and run every test (root)
	$(Q)$(MAKE) --no-print-directory all check
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10
	$(Q)$(BIN)/ava $(AVA_FLAGS) '$(BUILD)/test/{unit,program,native}/**/*.test.js'
	$(Q)$(BIN)/ava $(AVA_FLAGS) --concurrency 1 '$(BUILD)/test/{network,interop}/**/*.test.js'

# Alignment: on the wire there is none, and BPF does not mind.
FUZZ_FLAGS   := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all \
                -Wall -Wextra -Werror -Wno-unused-function
FUZZ_SECONDS ?= 30

$(BUILD)/fuzz/parsers: test/fuzz/parsers.c $(BPF_HEADERS)
	$(call say,CLANG,$<)
	@mkdir -p $(@D)/corpus
	$(Q)$(CLANG) $(FUZZ_FLAGS) $< -o $@

.PHONY: fuzz
fuzz: root ## the parsers under libFuzzer with sanitizers, for FUZZ_SECONDS (root, for the packages)
	$(Q)$(call install_packages,$(FUZZ_PACKAGES))
	$(Q)$(MAKE) --no-print-directory $(BUILD)/fuzz/parsers
	$(Q)$(BUILD)/fuzz/parsers -max_total_time=$(FUZZ_SECONDS) -max_len=1700 -use_value_profile=1 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus >$(BUILD)/fuzz/log 2>&1 || { tail -60 $(BUILD)/fuzz/log; exit 1; }
	@awk '/number_of_executed_units/ { print "  " $$2 " inputs in $(FUZZ_SECONDS) s, none broken" }' $(BUILD)/fuzz/log

bench: test-packages ## measure against what one would use instead, in one run (root); BENCH_FLAGS=--quick
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(NODE) $(BUILD)/src/cli/main.js bench --out $(BUILD)/bench-report $(BENCH_FLAGS)

.PHONY: bench-record
bench-record: test-packages ## write down the speed and size of the fast path that the tests hold it to (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(NODE) $(BUILD)/test/bench/record.js

PREFIX ?= /usr/local
SHARE   = $(DESTDIR)$(PREFIX)/share

# From the tree that --help is made of.
man: all ## write the manual pages into build/man
	$(Q)rm -rf $(BUILD)/man && $(NODE) $(BUILD)/src/cli/main.js man $(BUILD)/man

install: all man ## install below PREFIX (default /usr/local)
	$(Q)mkdir -p $(DESTDIR)$(PREFIX)/lib/havip $(DESTDIR)$(PREFIX)/bin
	$(Q)cp -r package.json package-lock.json build $(DESTDIR)$(PREFIX)/lib/havip/
	$(Q)cd $(DESTDIR)$(PREFIX)/lib/havip/build && rm -rf test fuzz bench-report
	$(Q)cd $(DESTDIR)$(PREFIX)/lib/havip && npm ci --omit=dev --no-audit --no-fund --loglevel=error
	$(Q)ln -sfn ../lib/havip/build/src/cli/main.js $(DESTDIR)$(PREFIX)/bin/havip
	$(Q)mkdir -p $(SHARE)/man && cp -r $(BUILD)/man/. $(SHARE)/man/
	$(Q)$(foreach one,bash zsh fish,$(call install_completion,$(one)))
	$(Q)mkdir -p $(SHARE)/havip && cp -r src/observe/alerts src/observe/grafana $(SHARE)/havip/

# Where each shell looks by itself.
COMPLETION_bash := bash-completion/completions/havip
COMPLETION_zsh  := zsh/site-functions/_havip
COMPLETION_fish := fish/vendor_completions.d/havip.fish
install_completion = mkdir -p $(SHARE)/$(dir $(COMPLETION_$(1))) && \
	$(NODE) $(BUILD)/src/cli/main.js completion $(1) > $(SHARE)/$(COMPLETION_$(1));

uninstall: ## remove what install put there
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/lib/havip $(SHARE)/havip $(DESTDIR)$(PREFIX)/bin/havip
	$(Q)rm -f $(SHARE)/man/man1/havip.1 $(SHARE)/man/man1/havip-*.1 $(SHARE)/man/man5/havip.yaml.5
	$(Q)rm -f $(SHARE)/$(COMPLETION_bash) $(SHARE)/$(COMPLETION_zsh) $(SHARE)/$(COMPLETION_fish)

clean: ## remove what was built
	$(Q)rm -rf $(BUILD) src/api/havip.gen.d.ts
