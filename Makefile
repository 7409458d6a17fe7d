# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
#
# One command each; `make help` lists them. Everything that is built lies under build/, where objects mirror the source
# folders; everything that a running server makes lies under var/. New source files are found by their folder: no line
# here names one. All paths are relative, so the tree may lie anywhere, also below a name with a space.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory
comma := ,

# What a caller may set.
PORT ?= 8080
BACKEND ?=
MODEL ?=
KEY_FILE ?=
SANITIZE ?=
COVERAGE ?=
TARGET ?=
T ?=
N ?=
SEED ?=
SECONDS ?= 60
BENCH ?=
BENCH_ARGS ?=
GROWTH_ARGS ?=
PREFIX ?= /usr/local
DESTDIR ?=
MANDIR ?= $(PREFIX)/share/man
INCLUDEDIR ?= $(PREFIX)/include
EXTRA_CFLAGS ?=
EXTRA_LDFLAGS ?=
CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
PYTEST_ARGS ?=

# A sanitized build has a folder of its own, so the two never mix: make SANITIZE=address,undefined
BUILD := build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))
export BUILD PORT BACKEND MODEL KEY_FILE SANITIZE

ifneq ($(filter clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
else ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# Where httpd, APR, libpq and the other libraries are. Asked once; the question needs their packages, so these are
# installed first where they are missing.
ifneq ($(filter-out help clean stop status format packages,$(or $(MAKECMDGOALS),all)),)
include build/flags.mk
endif
build/flags.mk: dev/flags dev/packages
	@dev/packages build
	@mkdir -p build
	@dev/flags > $@.new && mv $@.new $@

# --- flags --------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wconversion -Wformat=2 -Wshadow -Werror
HARDENING := -fPIC -fvisibility=hidden -fstack-protector-strong
OPTIMIZE := -O2
ifneq ($(SANITIZE),)
sanitizers := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
else ifneq ($(COVERAGE),)
OPTIMIZE := -O0
sanitizers := --coverage -fprofile-update=atomic
else
HARDENING += -D_FORTIFY_SOURCE=2
endif
CFLAGS := -std=gnu11 $(OPTIMIZE) -g $(WARNINGS) $(HARDENING) $(sanitizers)$(if $(EXTRA_CFLAGS), $(EXTRA_CFLAGS))
LDFLAGS := -Wl,-z,relro,-z,now$(if $(EXTRA_LDFLAGS), $(EXTRA_LDFLAGS)) $(sanitizers) $(if $(COVERAGE),-Wl$(comma)--exclude-libs$(comma)libgcov.a)

# Where the pages and the schema are installed: the default of ChatSessionPages.
share-dir = $(PREFIX)/share/mod_chatsession

# Each room sees the headers of its own layer and of those below, and no others: core and store have no httpd.
CORE_CPPFLAGS = -Imod_chatsession $(APR_CPPFLAGS) $(CORE_LIB_CPPFLAGS)
STORE_CPPFLAGS = $(CORE_CPPFLAGS) $(APU_CPPFLAGS) $(PQ_CPPFLAGS)
GLUE_CPPFLAGS = -I. -DCHATSESSION_SHARE=\"$(share-dir)\" $(STORE_CPPFLAGS) $(HTTPD_CPPFLAGS)
CORE_LIBS = $(CORE_LIB_LIBS) $(APR_LIBS)
STORE_LIBS = $(PQ_LIBS) $(APU_LIBS) $(CORE_LIBS)

# --- what is built ------------------------------------------------------------------------------------------------

core := $(patsubst %.c,$(BUILD)/%.o,$(wildcard mod_chatsession/core/*.c))
store := $(patsubst %.c,$(BUILD)/%.o,$(wildcard mod_chatsession/store/*.c))
glue := $(patsubst %.c,$(BUILD)/%.o,$(wildcard mod_chatsession/*.c admin/*.c))
ctl := $(patsubst %.c,$(BUILD)/%.o,$(wildcard ctl/*.c))
unit-tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
store-tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/store/test_*.c))
fuzz-targets := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-replays := $(fuzz-targets:%=$(BUILD)/tests/fuzz/replay_%)
fuzzers := $(fuzz-targets:%=$(BUILD)/tests/fuzz/fuzz_%)
test-modules := $(patsubst tests/httpd/other_module/%.c,$(BUILD)/tests/%.so,$(wildcard tests/httpd/other_module/*.c))
crash-trace := $(BUILD)/tests/crash_trace.so
refuse-calls := $(BUILD)/tests/refuse_calls.so
starve := $(BUILD)/tests/starve.so
# A library that judges accessibility, for the browser tests only.
axe := $(BUILD)/tests/axe.min.js
module := $(BUILD)/mod_chatsession.so
program := $(BUILD)/chatsessionctl

.PHONY: all
all: $(if $(glue),$(module)) $(if $(ctl),$(program)) share ## build the module, chatsessionctl and the pages

.PHONY: test-programs
test-programs: $(unit-tests) $(store-tests) $(fuzz-replays) $(test-modules) $(crash-trace) $(refuse-calls) $(starve) $(axe)

# Files that hold a list or the flags: rewritten only when the content changes, so that what depends on them is made
# anew exactly then (a flag changed, a source file was removed).
.PHONY: FORCE
FORCE:
define remember
@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef
$(BUILD)/compile.flags: FORCE
	$(call remember,$(CC) $(CFLAGS) $(GLUE_CPPFLAGS))
$(BUILD)/module.list: FORCE
	$(call remember,$(LDFLAGS) $(glue) $(store) $(core))
$(BUILD)/program.list: FORCE
	$(call remember,$(LDFLAGS) $(ctl) $(store) $(core))

$(BUILD)/%.o: room_cppflags = $(GLUE_CPPFLAGS)
$(BUILD)/mod_chatsession/core/%.o: room_cppflags = $(CORE_CPPFLAGS)
$(BUILD)/mod_chatsession/store/%.o: room_cppflags = $(STORE_CPPFLAGS)
$(BUILD)/ctl/%.o: room_cppflags = $(STORE_CPPFLAGS)
$(BUILD)/tests/unit/%.o: room_cppflags = $(CORE_CPPFLAGS)
$(BUILD)/tests/store/%.o: room_cppflags = $(STORE_CPPFLAGS)
$(BUILD)/tests/fuzz/%.o: room_cppflags = $(STORE_CPPFLAGS) -I .
$(BUILD)/tests/fuzz/fuzz_directives.o $(BUILD)/tests/fuzz/httpd_stub.o: room_cppflags = $(GLUE_CPPFLAGS)
# The tests' own headers come with their packages. (A pattern without a recipe would promise nothing here: each file is named.)
$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/*.c tests/store/*.c tests/fuzz/*.c)): | packages-test
$(BUILD)/%.o: %.c $(BUILD)/compile.flags
	@mkdir -p $(@D); echo "  CC    $<"
	@$(CC) $(CFLAGS) $(room_cppflags) -MMD -MP -c -o $@ $<
-include $(shell find $(wildcard $(addprefix $(BUILD)/,mod_chatsession admin ctl tests)) -name '*.d' -type f 2>/dev/null)

# The symbols of httpd itself are only there once httpd loads the module, so --no-undefined cannot watch this link;
# dev/check-symbols does: every name must be found in httpd, mod_proxy or a library, and one name alone is exported.
$(module): $(glue) $(store) $(core) $(BUILD)/module.list dev/check-symbols
	@echo "  LINK  $@"
	@$(CC) -shared $(LDFLAGS) -o $@.new $(filter %.o,$^) $(STORE_LIBS)
	@dev/check-symbols $@.new '$(HTTPD)' '$(LIBEXECDIR)' || { rm -f $@.new; exit 1; }
	@mv $@.new $@

$(program): $(ctl) $(store) $(core) $(BUILD)/program.list
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -Wl,--no-undefined -o $@ $(filter %.o,$^) $(STORE_LIBS)

# In these programs each call of core to these functions can be refused.
refused := RAND_bytes_ex HMAC EVP_Digest EVP_MD_fetch EVP_MD_CTX_new EVP_MD_CTX_copy_ex EVP_DigestInit_ex \
	EVP_DigestInit_ex2 EVP_DigestUpdate EVP_DigestFinal_ex EVP_KDF_fetch EVP_KDF_CTX_new EVP_KDF_derive \
	EVP_CIPHER_CTX_new EVP_CIPHER_CTX_ctrl EVP_CipherInit_ex EVP_CipherUpdate EVP_CipherFinal_ex EVP_MAC_CTX_new \
	EVP_MAC_init inflateInit_ argon2id_ctx
$(BUILD)/tests/unit/test_refusals: LDFLAGS += $(refused:%=-Wl$(comma)--wrap=%)
$(BUILD)/tests/unit/test_short_memory: LDFLAGS += -Wl,--wrap=realloc
$(BUILD)/tests/unit/test_token_memo: LDFLAGS += -Wl,--wrap=EVP_MAC_fetch -Wl,--wrap=EVP_MAC_CTX_dup \
	-Wl,--wrap=EVP_MD_CTX_copy_ex
$(unit-tests): %: %.o $(core)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -Wl,--no-undefined -o $@ $(filter %.o,$^) $(CORE_LIBS) -lcmocka
$(store-tests): %: %.o $(store) $(core)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -Wl,--no-undefined -o $@ $(filter %.o,$^) $(STORE_LIBS) -lcmocka

# A fuzz target is linked twice: with libFuzzer, and with a program that replays seeds.
$(fuzz-replays): $(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/entry.o \
		$(BUILD)/tests/fuzz/replay.o $(store) $(core)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -Wl,--no-undefined -o $@ $(filter %.o,$^) $(STORE_LIBS) -lcmocka
# The directives are httpd's, of which a stand-in is enough here.
directives := $(filter-out %_check.o %_core.o,$(filter $(BUILD)/mod_chatsession/config%.o,$(glue))) \
	$(BUILD)/mod_chatsession/networks.o $(BUILD)/mod_chatsession/skip.o $(BUILD)/tests/fuzz/httpd_stub.o
$(BUILD)/tests/fuzz/replay_directives $(BUILD)/tests/fuzz/fuzz_directives: $(directives)
$(fuzzers): %: %.o $(BUILD)/tests/fuzz/entry.o $(store) $(core)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(STORE_LIBS)

# Another module of httpd, as its author would build it: with httpd's and our installed header, and nothing else of ours.
$(test-modules): $(BUILD)/tests/%.so: tests/httpd/other_module/%.c mod_chatsession/mod_chatsession.h $(BUILD)/compile.flags
	@mkdir -p $(@D); echo "  CC    $<"
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -fPIC $(sanitizers) -Imod_chatsession $(APR_CPPFLAGS) $(APU_CPPFLAGS) \
		$(HTTPD_CPPFLAGS) -shared -o $@ $<

$(crash-trace) $(refuse-calls) $(starve): $(BUILD)/tests/%.so: tests/harness/%.c $(BUILD)/compile.flags
	@mkdir -p $(@D); echo "  CC    $<"
	@$(CC) -std=gnu11 -O2 -g $(WARNINGS) -fPIC -shared -o $@ $< -ldl

# The pages are plain files: copied, nothing is bundled. Their three libraries come from npm, as the lock file pins them;
# every build folder takes them from build/npm.
page := $(shell find mod_chatsession/page -type f -not -path '*/shared/*' -not -path '*/vendor/*' 2>/dev/null)
shared := $(shell find mod_chatsession/page/shared -type f 2>/dev/null)
console := $(shell find admin/console -type f 2>/dev/null)
share-files := $(page:mod_chatsession/page/%=$(BUILD)/share/page/%) \
	$(shared:mod_chatsession/page/shared/%=$(BUILD)/share/shared/%) \
	$(console:admin/console/%=$(BUILD)/share/console/%) \
	$(addprefix $(BUILD)/share/vendor/,marked.esm.js purify.es.js qr.js LICENSE.marked LICENSE.dompurify LICENSE.qr)
.PHONY: share
share: $(share-files) $(BUILD)/share.list
define copy
@mkdir -p $(@D); install -m 644 $< $@
endef
$(BUILD)/share/shared/%: mod_chatsession/page/shared/%
	$(copy)
$(BUILD)/share/page/%: mod_chatsession/page/%
	$(copy)
$(BUILD)/share/console/%: admin/console/%
	$(copy)
lock := mod_chatsession/page/vendor/package-lock.json
build/npm/fetched: $(lock) $(lock:%-lock.json=%.json) $(dir $(lock)).npmrc dev/libraries
	@dev/libraries $(dir $(lock)) build/npm && touch $@
$(BUILD)/share/vendor/marked.esm.js: from = marked/lib/marked.esm.js
$(BUILD)/share/vendor/purify.es.js: from = dompurify/dist/purify.es.mjs
$(BUILD)/share/vendor/qr.js: from = qr/index.js
$(BUILD)/share/vendor/LICENSE.%: from = $(@F:LICENSE.%=%)/LICENSE
$(BUILD)/share/vendor/%: build/npm/fetched
	@mkdir -p $(@D); install -m 644 build/npm/node_modules/$(from) $@
# What the browser tests judge the pages' accessibility by; pinned in the same way.
build/npm-tests/fetched: tests/axe/package-lock.json tests/axe/package.json tests/axe/.npmrc dev/libraries
	@dev/libraries tests/axe build/npm-tests && touch $@
$(axe): build/npm-tests/fetched
	@mkdir -p $(@D); install -m 644 build/npm-tests/node_modules/axe-core/axe.min.js $@
# A page that was removed from the sources goes from the copies too.
$(BUILD)/share.list: FORCE
	@mkdir -p $(BUILD)/share; find $(BUILD)/share -type f | { grep -vxF $(share-files:%=-e %) || true; } | xargs -r rm -f
	$(call remember,$(share-files))

# --- running ------------------------------------------------------------------------------------------------------

.PHONY: run start stop status
run: packages-build all ## start PostgreSQL and httpd, stay until Ctrl-C (PORT= BACKEND= MODEL= KEY_FILE=)
	@exec env --default-signal=INT HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/server run
start: packages-build all ## the same in the background; returns when the page answers
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/server start
stop: ## end what `make start` or `make run` started; the data stay
	@dev/server stop
status: ## what runs, where
	@dev/server status || true

# --- testing ------------------------------------------------------------------------------------------------------

.PHONY: test test-unit test-httpd test-browser
test: packages-test all test-programs ## every test; ends with "N passed, N failed"
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test unit store httpd browser guards faults -- $(PYTEST_ARGS)
test-unit: packages-test $(unit-tests) $(fuzz-replays) ## only the C tests of core/, and the seeds of make fuzz
	@dev/test unit
test-httpd: packages-test all test-programs ## only store, httpd and guards (PYTEST_ARGS="-k name -x")
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test store httpd guards -- $(PYTEST_ARGS)
test-browser: packages-test all $(crash-trace) $(axe) ## only the two pages in a real browser
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test browser -- $(PYTEST_ARGS)

.PHONY: pictures
pictures: packages-test all $(crash-trace) ## both pages' pictures anew: docs/pictures, and all states in build/screenshots
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test -- tests/browser/pictures.py tests/browser/states.py tests/browser/pictures_console.py

# The same tests on builds that watch: for memory that is used wrongly, for races, for what was never run.
.PHONY: test-asan test-tsan test-valgrind test-package test-upgrade coverage
asan := SANITIZE=address,undefined BUILD=build/sanitize-address-undefined
tsan := SANITIZE=thread BUILD=build/sanitize-thread
test-asan: packages-test ## unit, store and httpd under AddressSanitizer and UBSan
	@$(MAKE) $(asan) all test-programs
	@$(asan) HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test unit store httpd -- $(PYTEST_ARGS)
test-tsan: packages-test ## httpd under ThreadSanitizer: sessions, revocation, faults, races (or what PYTEST_ARGS names)
	@$(MAKE) $(tsan) all test-programs
	@$(tsan) HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test -- $(or $(PYTEST_ARGS),$(racing))
racing := $(wildcard tests/httpd/test_session*.py tests/httpd/test_revocation.py tests/httpd/test_faults.py tests/faults/test_races.py)
test-package: deb packages-test ## the package on a fresh Debian: installed, used, purged (as root; SUITE="bookworm trixie")
	@dev/test -- tests/package $(PYTEST_ARGS)
test-upgrade: packages-test all test-programs ## from 0.9, built out of the history, to this version under a running server
	@dev/old-version
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/test -- tests/upgrade $(PYTEST_ARGS)
test-valgrind: packages-valgrind test-programs ## the C tests of core/ and store/ under valgrind's memcheck
	@TEST_WRAPPER='$(valgrind)' dev/test unit -- tests/store/test_db.py tests/store/test_session_store.py \
		tests/store/test_session_cache.py -k 'test_door or test_session_store or test_session_cache' $(PYTEST_ARGS)
valgrind := valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99
coverage: packages-test ## unit, store, httpd and faults on a build that counts; lines and branches of each room
	@$(MAKE) BUILD=build/coverage COVERAGE=yes all test-programs
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/coverage

# What breaks, breaks here on purpose; the figures go into docs/promises.md.
.PHONY: faults
faults: packages-test packages-faults all test-programs ## kill, cut and starve it, a ledger watching (T=T1 N=1000 SEED=7); all faults without T
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' dev/faults T='$(T)' N='$(N)' SEED='$(SEED)'

MINUTES ?= 30
.PHONY: soak
soak: ## two hosts, 30 users, 20 streams, for MINUTES=30: memory, descriptors, how soon text is stored
	@$(MAKE) faults T=T17 N='$(MINUTES)' SEED='$(or $(SEED),1)'

# libFuzzer is clang's. What it finds interesting is kept below build/fuzz, so that the next run begins there; the input
# that breaks a property is written there too, and its path printed.
fuzz-build := CC=clang-14 SANITIZE=fuzzer-no-link,address,undefined
.PHONY: fuzz fuzzers
fuzz: packages-fuzz ## libFuzzer on core/: every target, or TARGET="json sse"; SECONDS=60 of a processor for each, AT_ONCE=2
	@$(MAKE) $(fuzz-build) TARGET='$(TARGET)' fuzzers
	@FUZZERS='build/sanitize-fuzzer-no-link-address-undefined/tests/fuzz' dev/fuzz $(SECONDS) $(or $(TARGET),$(fuzz-targets))
fuzzers: $(foreach target,$(or $(TARGET),$(fuzz-targets)),$(BUILD)/tests/fuzz/fuzz_$(target))

# Measures this build beside what bounds it, in about five minutes, and writes the table in docs/performance.md.
.PHONY: bench
bench: packages-bench all ## measure sessions, turns, streams, history beside their limits (BENCH="session turn" BENCH_ARGS="--rounds 9")
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' /usr/bin/python3 tests/bench/main.py $(BENCH) $(BENCH_ARGS)
.PHONY: bench-growth
bench-growth: packages-bench all ## the same with more and more sessions, messages and streams (GROWTH_ARGS=--large)
	@HTTPD='$(HTTPD)' LIBEXECDIR='$(LIBEXECDIR)' /usr/bin/python3 tests/bench/growth.py $(GROWTH_ARGS)

.PHONY: lint format
lint: packages-lint ## clang-tidy, cppcheck, gcc -fanalyzer; silent when clean
	@CORE_CPPFLAGS='$(CORE_CPPFLAGS)' STORE_CPPFLAGS='$(STORE_CPPFLAGS)' GLUE_CPPFLAGS='$(subst \",",$(GLUE_CPPFLAGS))' dev/lint
format: packages-lint ## clang-format over the C files
	@find mod_chatsession admin ctl tests -name '*.[ch]' -exec clang-format-14 -i {} +

# --- the rest -----------------------------------------------------------------------------------------------------

.PHONY: packages packages-build packages-test packages-lint packages-fuzz packages-faults packages-valgrind packages-deb packages-bench
packages: ## install every Debian package that building, running, testing, linting, fuzzing, faults, memcheck, packaging and measuring need
	@dev/packages build test lint fuzz faults valgrind deb bench
packages-build:
	@dev/packages build
packages-test:
	@dev/packages build test
packages-lint:
	@dev/packages build lint
packages-fuzz:
	@dev/packages build fuzz
packages-bench:
	@dev/packages build test bench
packages-faults:
	@dev/packages build test faults
packages-valgrind:
	@dev/packages build test valgrind
packages-deb:
	@dev/packages build deb

.PHONY: install
install: all man ## copy module, its header, chatsessionctl, pages, schema, manual and samples (DESTDIR= PREFIX=)
	@install -d '$(DESTDIR)$(LIBEXECDIR)' '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(share-dir)/schema' \
		'$(DESTDIR)$(share-dir)/samples' '$(DESTDIR)$(share-dir)/monitoring' \
		'$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man5'
	@install -m 644 $(module) '$(DESTDIR)$(LIBEXECDIR)/'
	@install -m 755 $(program) '$(DESTDIR)$(PREFIX)/bin/'
	@install -m 644 mod_chatsession/mod_chatsession.h '$(DESTDIR)$(INCLUDEDIR)/'
	@install -m 644 schema/*.sql '$(DESTDIR)$(share-dir)/schema/'
	@install -m 644 $(filter %.1,$(man-pages)) '$(DESTDIR)$(MANDIR)/man1/'
	@install -m 644 $(filter %.5,$(man-pages)) '$(DESTDIR)$(MANDIR)/man5/'
	@tar -C $(BUILD)/share -cf - . | tar -C '$(DESTDIR)$(share-dir)' --no-same-owner -xf -
	@sed 's|/usr/local/share/mod_chatsession|$(share-dir)|g' conf/sample.conf > '$(DESTDIR)$(share-dir)/sample.conf'
	@for sample in conf/samples/*.conf; do \
		sed 's|/usr/local/share/mod_chatsession|$(share-dir)|g' "$$sample" > "$(DESTDIR)$(share-dir)/samples/$${sample##*/}"; done
	@install -m 644 conf/monitoring/alerts.yml conf/monitoring/prometheus.yml conf/monitoring/grafana.json \
		'$(DESTDIR)$(share-dir)/monitoring/'
	@echo "Installed. Ten lines for httpd.conf: $(DESTDIR)$(share-dir)/sample.conf"

# The manual's pages are made from what there is: the program's own help, and the page of directives.
man-pages := $(BUILD)/man/chatsessionctl.1 $(BUILD)/man/mod_chatsession.conf.5
.PHONY: man
man: $(man-pages)
$(BUILD)/man/chatsessionctl.1: $(program) dev/manual
	@mkdir -p $(@D); dev/manual program $(program) > $@
$(BUILD)/man/mod_chatsession.conf.5: docs/directives.md dev/manual mod_chatsession/core/version.h
	@mkdir -p $(@D); dev/manual directives docs/directives.md > $@

.PHONY: deb
deb: packages-deb share ## build the Debian package in build/deb, and have lintian look at it
	@dev/deb

.PHONY: clean
clean: ## remove build/ (var/, the data of make run, stays)
	@rm -rf build

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "Targets of make fuzz: $(fuzz-targets)"
