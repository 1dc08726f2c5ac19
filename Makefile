# TikTok Scheduler. `make help` lists the targets; README.md says what they are for.
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all
SHELL := /bin/bash
# nginx and mariadbd lie where Debian's ordinary users do not look.
export PATH := $(PATH):/usr/sbin

# --- builds: debug, release, asan, coverage side by side, out of tree --------------
BUILD ?= debug
O     ?= build/$(BUILD)
V     ?= 0
ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' '$(1)' '$(2)')

# What building, linting and testing need, as Debian 12 and 13 name it. nodejs and npm
# are installed only where `node` is missing.
DEBIAN_PACKAGES := gcc make pkg-config libc6-dev libfcgi-dev libcurl4-openssl-dev \
  libmariadb-dev libjansson-dev libssl-dev libhiredis-dev libargon2-dev libsqlite3-dev \
  nginx mariadb-server redis-server ffmpeg tzdata curl jq ca-certificates procps
DEBIAN_TEST_PACKAGES := check clang clang-tidy clang-format cppcheck universal-ctags \
  libclang-rt-dev pmccabe shellcheck chromium fonts-dejavu-core lcov python3 iproute2 wrk \
  iptables faketime python3-swift

PKGS := libcurl jansson hiredis libmariadb openssl
CPPFLAGS += -Iinclude -I$(O)/gen -D_GNU_SOURCE $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
WARN := -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow \
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
  -Wcast-qual -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wswitch-enum -Wundef \
  -Wnull-dereference -Wdouble-promotion -Werror=implicit -Werror=incompatible-pointer-types
ifneq ($(findstring gcc,$(CC)),)
WARN += -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-signedness \
  -Wcast-align=strict -Wtrampolines -Wbidi-chars=any
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE \
  -fno-common -fno-delete-null-pointer-checks -fno-strict-overflow -pthread
HARDEN_LD := -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
CFLAGS_debug     := -Og -g
CFLAGS_release   := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
  $(if $(findstring gcc,$(CC)),-ftrivial-auto-var-init=zero) -DTTS_NO_FAULTS
CFLAGS_asan      := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=all
CFLAGS_fuzz      := -O1 -g -fsanitize=fuzzer-no-link,address,undefined
CFLAGS_coverage  := -O0 -g --coverage
LDFLAGS_asan     := -fsanitize=address,undefined
LDFLAGS_fuzz     := -fsanitize=fuzzer,address,undefined
LDFLAGS_coverage := --coverage
ALL_CFLAGS  = -std=c17 $(WARN) $(HARDEN) $(CFLAGS_$(BUILD)) $(CFLAGS)
ALL_LDFLAGS = $(HARDEN_LD) $(LDFLAGS_$(BUILD)) $(LDFLAGS)

# --- programs: the layers each is linked from. A layer that is not listed is not linked,
# so a wrong dependency is a link error; tools/check-layers says the same of includes.
PROGRAMS := tts-api tts-publisher tts-media tts-sandbox ttsctl
tts-api_DIRS       := core crypto domain tiktok net store queue blob web api
tts-publisher_DIRS := core crypto domain tiktok net store queue blob publisher
tts-media_DIRS     := core crypto domain net store queue blob media
tts-sandbox_DIRS   := core crypto net web sandbox
ttsctl_DIRS        := core crypto domain tiktok net store queue blob ctl
LIBS_crypto := $(shell pkg-config --libs openssl libargon2 2>/dev/null)
LIBS_domain := $(shell pkg-config --libs jansson 2>/dev/null)
LIBS_tiktok := $(LIBS_domain)
LIBS_net    := $(shell pkg-config --libs libcurl 2>/dev/null)
LIBS_store  := $(shell pkg-config --libs libmariadb 2>/dev/null)
LIBS_queue  := $(shell pkg-config --libs hiredis 2>/dev/null)
LIBS_web    := -lfcgi
LIBS_media  := $(LIBS_domain)
LIBS_sandbox := $(LIBS_domain) $(shell pkg-config --libs sqlite3 2>/dev/null)
libs_of = $(sort $(foreach d,$(1),$(LIBS_$(d)))) -lm
ALL_LIBS = $(call libs_of,crypto domain net store queue web sandbox)

SRCS     := $(sort $(wildcard src/*/*.c src/*/*/*.c))
HDRS     := $(sort $(wildcard include/*/*.h src/*/*.h src/*/*/*.h))
MAINS    := $(wildcard src/*/main.c)
OBJS     := $(SRCS:%.c=$(O)/%.o)
LIB_OBJS := $(filter-out %/main.o,$(OBJS))
TESTS    := $(sort $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c)))
# Those that talk to MariaDB or Redis run under tests/with-servers.
SERVER_TESTS := $(filter $(O)/tests/test_store_% $(O)/tests/test_queue_% $(O)/tests/test_ctl_% \
  $(O)/tests/test_api_posts $(O)/tests/test_publisher_restore,$(TESTS))
PLAIN_TESTS  := $(filter-out $(SERVER_TESTS),$(TESTS))
SUPPORT_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/support/*.c))
FUZZERS  := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
REPLAYS  := $(FUZZERS:%=$(O)/tests/replay_%)
CONFORMANCE := $(sort $(wildcard tests/conformance/*.c))
BENCHES  := $(patsubst tests/bench/%.c,$(O)/bench/%,$(wildcard tests/bench/bench_*.c))
WWW      := www/dist/index.html
GENERATED :=

# Lua scripts become constants in $(O)/gen/queue/scripts.h.
LUA := $(sort $(wildcard src/queue/scripts/*.lua))
ifneq ($(LUA),)
$(O)/gen/queue/scripts.h: $(LUA) $(wildcard src/queue/scripts/parts/*.lua) tools/embed-lua
	$(call say,EMBED,$@)
	@mkdir -p $(@D)
	$(Q)tools/embed-lua $(LUA) > $@
GENERATED += $(O)/gen/queue/scripts.h
$(filter $(O)/src/queue/%.o,$(OBJS)): $(O)/gen/queue/scripts.h
endif

.PHONY: all programs www help deps deps-run run stop reset status install clean \
  test test-unit test-conformance test-www test-integration test-e2e test-chaos test-outages test-crash-all test-compose bench benches \
  model model-long sim chaos chaos-mutants chaos-uploads fuzz fuzz-list coverage format FORCE

all: programs $(WWW) ## Build the programs and the dashboard
programs: $(PROGRAMS:%=$(O)/bin/%)

define program
$(O)/bin/$(1): $$(filter $$(foreach d,$$($(1)_DIRS),$(O)/src/$$(d)/%.o),$$(OBJS)) $(O)/flags
	$$(call say,LINK,$$(@F))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(call libs_of,$$($(1)_DIRS))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(O)/%.o: %.c $(O)/flags | $(GENERATED)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Rebuilt when the flags change, and with it everything that was built with them.
$(O)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | cmp -s - $@ || \
	  echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)' > $@
FORCE:

# --- dashboard ---------------------------------------------------------------------
WWW_SRCS := $(shell find www -path www/node_modules -prune -o -path www/dist -prune -o -type f -print 2>/dev/null)
www/node_modules/.stamp: www/package.json www/package-lock.json
	$(call say,NPM,www)
	$(Q)cd www && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
$(WWW): www/node_modules/.stamp $(WWW_SRCS)
	$(call say,WWW,www/dist)
	$(Q)cd www && npm run --silent build
	@touch $@

www: $(WWW) ## Build the dashboard

# --- run ---------------------------------------------------------------------------
run: ## Build and start the whole local stack, then publish a demo video
	@tools/stack up
stop: ## End the local stack; its data stays
	@tools/stack down
reset: ## End the local stack and delete its data
	@tools/stack reset
status: ## Say what runs
	@tools/stack status

# In one go: two of them at a time would fight over apt's lock.
deps: ## Install every Debian package that building and testing need
	@tools/install-packages $(DEBIAN_PACKAGES) $(DEBIAN_TEST_PACKAGES)
deps-run:
	@tools/install-packages $(DEBIAN_PACKAGES)

PREFIX ?= /usr/local
install: ## Install programs, dashboard, schema and nginx templates under PREFIX
	$(MAKE) BUILD=release all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/tts
	install -m 0755 $(PROGRAMS:%=build/release/bin/%) $(DESTDIR)$(PREFIX)/bin
	cp -R schema nginx www/dist $(DESTDIR)$(PREFIX)/share/tts/

# --- tests -------------------------------------------------------------------------
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null)
# Each layer as an archive; a test program links its own layer (test_LAYER_x, or every
# layer when the name says none) and what that layer may include.
LAYERS := ctl sandbox media publisher api web blob queue store net tiktok domain crypto core
define layer
$(O)/lib/$(1).a: $(filter $(O)/src/$(1)/%,$(LIB_OBJS))
	$$(call say,AR,$$(@F))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))
UNDER_core      := core
UNDER_crypto    := crypto core
UNDER_domain    := domain core
UNDER_tiktok    := tiktok core
UNDER_net       := net core
UNDER_store     := store domain crypto core
UNDER_queue     := queue core
UNDER_blob      := blob net crypto core
UNDER_web       := web core
UNDER_api       := api web blob queue store net tiktok domain crypto core
UNDER_publisher := publisher blob queue store net tiktok domain crypto core
UNDER_media     := media blob queue store net domain crypto core
UNDER_sandbox   := sandbox web net crypto core
UNDER_ctl       := ctl blob queue store net tiktok domain crypto core
layer_of  = $(firstword $(subst _, ,$(1)))
under     = $(or $(UNDER_$(call layer_of,$(1))),$(LAYERS))
archives  = $(foreach l,$(call under,$(1)),$(O)/lib/$(l).a)
link_test = $(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
  $(filter %.a,$^) -Wl,--end-group $(CHECK_LIBS) $(ALL_LIBS)
$(O)/tests/unit/%.o $(O)/tests/support/%.o $(O)/tests/fuzz/%.o $(O)/tests/conformance/%.o: \
  CPPFLAGS += -Itests/support -Isrc
.SECONDEXPANSION:
# An archive: a test takes from it what it uses, and needs no layers beyond its own.
$(O)/lib/support.a: $(SUPPORT_OBJS)
	$(call say,AR,$(@F))
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/tests/test_%: $(O)/tests/unit/test_%.o $(O)/lib/support.a $$(call archives,$$*)
	$(call say,LINK,$(@F))
	$(link_test)
$(O)/tests/replay_%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o $$(call archives,$$*)
	$(call say,LINK,$(@F))
	$(link_test)

$(O)/tests/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $$(call archives,$$*)
	$(call say,LINK,$(@F))
	$(link_test)

# The client against the simulator: what the publisher sends with, and ttsctl.
$(O)/tests/run_conformance: $(CONFORMANCE:%.c=$(O)/%.o) $(O)/lib/net.a $(call archives,ctl)
	$(call say,LINK,$(@F))
	$(link_test)

test: test-unit model sim test-conformance test-www test-integration test-e2e test-outages ## Run every test
test-unit: programs $(TESTS) $(REPLAYS) ## Unit tests and fuzz corpora
	@tests/run-unit $(O) plain $(PLAIN_TESTS)
	@tests/with-servers tests/run-unit $(O) servers $(SERVER_TESTS)
	@tests/run-corpora $(O) $(FUZZERS)
test-conformance: www/node_modules/.stamp
test-conformance: $(O)/bin/tts-sandbox $(O)/tests/run_conformance ## Client against simulator, case by case
	@O=$(abspath $(O)) node tests/conformance/run.mjs
test-www: www/node_modules/.stamp ## Unit tests of the dashboard
	@cd www && npm run --silent test:unit
test-integration: programs $(WWW) ## Real programs, MariaDB, Redis and nginx
	@O=$(abspath $(O)) tests/run-node tests/integration
test-e2e: programs $(WWW) ## The journey of a new user, in Chromium
	@O=$(abspath $(O)) tests/run-node tests/e2e
test-outages: programs $(WWW) ## Redis, MariaDB and TikTok away, shortly; make chaos: for a minute and ten
	@O=$(abspath $(O)) tests/run-node tests/chaos tests/chaos/outages.test.mjs
test-chaos: programs $(WWW) ## Everything broken at once for a minute: docs/publishing.md
	@O=$(abspath $(O)) tests/run-node tests/chaos tests/chaos/soak.test.mjs
test-crash-all: programs $(WWW) ## kill -9 at every point, one publisher and three, every kind of post
	@O=$(abspath $(O)) tests/run-node tests/crash
test-compose: www/node_modules/.stamp ## The same journey through docker compose
	@tests/compose/run

# Proofs about the protocol (docs/publishing.md): both link the decisions of the publisher
# as they are, optimised, because they make them many million times.
PROVEN := $(wildcard src/publisher/flow/flow*.c) src/tiktok/chunk.c src/core/parse.c \
  src/core/xalloc.c src/core/err.c
$(O)/proof/%.o: %.c $(O)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Isrc $(ALL_CFLAGS) -O2 -MMD -MP -c -o $@ $<
define proof
$(O)/proof/$(1): $(patsubst %.c,$(O)/proof/%.o,$(PROVEN) $(wildcard tests/$(1)/*.c))
	$$(call say,LINK,$$(@F))
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^
endef
$(foreach p,model sim,$(eval $(call proof,$(p))))
SEEDS ?= 100000
model: $(O)/proof/model ## Every state of one post, two publishers and what can go wrong
	@$<
model-long: $(O)/proof/model ## The same with more of everything at once
	@$< long
sim: $(O)/proof/sim ## Simulated days of many posts: make sim SEEDS=n
	@$< --seeds $(SEEDS)

# make fuzz FUZZ=query TIME=60
TIME ?= 60
FUZZ ?= $(FUZZERS)
fuzz: ## Fuzz parsers under ASan and UBSan: make fuzz FUZZ=name TIME=seconds
	@$(MAKE) --no-print-directory BUILD=fuzz O=build/fuzz CC=clang $(FUZZ:%=build/fuzz/tests/fuzz_%)
	@set -e; for f in $(FUZZ); do \
	  mkdir -p build/fuzz/corpus_$$f; \
	  build/fuzz/tests/fuzz_$$f -max_total_time=$(TIME) -print_final_stats=1 build/fuzz/corpus_$$f tests/fuzz/corpus/$$f; done
fuzz-list: ## The names that FUZZ may have
	@printf '%s\n' $(FUZZERS)

# What measurements are made with; make bench builds them for release.
$(O)/bench/%: $(O)/tests/bench/%.o $(O)/lib/store.a $(O)/lib/domain.a $(O)/lib/crypto.a $(O)/lib/core.a
	$(call say,LINK,$(@F))
	@mkdir -p $(@D)
	$(link_test)
benches: $(BENCHES)
bench: ## Measured figures, as ratios within one run
	@tests/bench/run
chaos: programs $(WWW) ## Break everything at once for an hour: make chaos CHAOS_MINUTES=n SEED=n
	@O=$(abspath $(O)) CHAOS=long tests/run-node tests/chaos
chaos-mutants: programs $(WWW) ## Does the soak see broken rules? make chaos-mutants MUTANT="NAME..." SEEDS=n
	@O=$(abspath $(O)) node tests/chaos/mutants.mjs $(MUTANT)
chaos-uploads: programs $(WWW) ## Kill all that takes part in uploads: make chaos-uploads KILLS=n SEED=n
	@O=$(abspath $(O)) KILLS=$${KILLS:-200} tests/run-node tests/integration tests/integration/kills.test.mjs

coverage: ## Line coverage of the unit tests
	$(MAKE) BUILD=coverage test-unit
	lcov -q -c -d build/coverage/src -o build/coverage.info && lcov --summary build/coverage.info

include tools/lint.mk

format: ## Reformat all C sources
	clang-format -i $(SRCS) $(HDRS) $(wildcard tests/*/*.[ch])
clean: ## Delete what was built
	rm -rf build www/dist compile_commands.json

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | sort | \
	  awk -F'\t' '{ printf "  make %-18s %s\n", $$1, $$2 }'

-include $(OBJS:.o=.d) $(CONFORMANCE:%.c=$(O)/%.d) $(patsubst $(O)/tests/%,$(O)/tests/unit/%.d,$(TESTS))
-include $(patsubst %.c,$(O)/proof/%.d,$(PROVEN) $(wildcard tests/model/*.c tests/sim/*.c))
