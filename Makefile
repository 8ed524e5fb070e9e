# guanxi: one non-recursive Makefile. Objects go to build/, nothing else is written into the tree.
#   make            server and client (build/bin/guanxid, build/bin/guanxi)
#   make demo       the whole product on sample data; installs what is missing
#   make test       all tests; installs what they need; the last line is "N passed, N failed"
#   make test-quick the part for every save
#   make lint bench fuzz install deb deps clean

# make V=1 shows the whole commands.
V :=
say = $(if $(V),,@printf "  %-8s %s\n" "$(1)" "$(2)"; )

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
CC := gcc
BUILD := build
PREFIX := /usr/local
SANITIZE :=

PACKAGES_BUILD := build-essential pkg-config protobuf-c-compiler libprotobuf-c-dev libevent-dev liblmdb-dev \
	libssl-dev libglib2.0-dev libjansson-dev libxlsxwriter-dev libcurl4-openssl-dev libsodium-dev libconfuse-dev libsystemd-dev unicode-data tzdata bzip2
PACKAGES_TEST := libcmocka-dev clang clang-format libclang-rt-14-dev python3 python3-protobuf protobuf-compiler \
	strace tmux jq openssl python3-aiosmtpd python3-icalendar
PKGS_COMMON := libprotobuf-c glib-2.0
PKGS_SERVER := libevent libevent_pthreads openssl libsodium libconfuse libsystemd
PKGS_NOTIFY := libcurl
PKGS_CLIENT := openssl jansson xlsxwriter

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wvla -Wformat=2 -Wundef -Wno-unused-parameter
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 -fno-strict-aliasing -fno-common
ifneq ($(SANITIZE),)
HARDEN := -fPIE -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -fno-common
endif
OPT := -O2 -g
CFLAGS = -std=gnu11 -D_GNU_SOURCE $(OPT) $(WARN) $(HARDEN) -include common/banned.h -I. -I$(BUILD)/gen \
	-DVERSION='"$(VERSION)"' $(PKG_CFLAGS)
LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE))

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS_COMMON) $(PKGS_SERVER) $(PKGS_CLIENT) 2>/dev/null)
LIBS_COMMON := $(shell pkg-config --libs $(PKGS_COMMON) 2>/dev/null)
LIBS_SERVER := $(shell pkg-config --libs $(PKGS_SERVER) 2>/dev/null) -llmdb -lpthread $(LIBS_COMMON)
LIBS_NOTIFY := $(shell pkg-config --libs $(PKGS_NOTIFY) 2>/dev/null) $(LIBS_COMMON)
LIBS_CLIENT := $(shell pkg-config --libs $(PKGS_CLIENT) 2>/dev/null) $(LIBS_COMMON)

COMMON_SRC := $(wildcard common/*.c)
SERVER_SRC := $(filter-out server/notify/%,$(wildcard server/*.c server/*/*.c))
CLIENT_SRC := $(wildcard client/*.c client/*/*.c)
NOTIFY_SRC := $(wildcard server/notify/*.c)
UNIT_SRC := $(wildcard tests/unit/*_test.c)
TOOL_SRC := $(wildcard tests/tools/*.c)
FAULT_SRC := tests/fault/engine_fault.c tests/fault/store_bench.c
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
GEN_SRC := $(BUILD)/gen/guanxi.pb-c.c $(BUILD)/gen/pinyin_table.c $(BUILD)/gen/han_table.c
GEN_HDR := $(BUILD)/gen/guanxi.pb-c.h

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
COMMON_OBJ := $(call obj,$(COMMON_SRC)) $(patsubst $(BUILD)/gen/%.c,$(BUILD)/obj/gen/%.o,$(GEN_SRC))
SERVER_OBJ := $(call obj,$(SERVER_SRC))
CLIENT_OBJ := $(call obj,$(CLIENT_SRC))
NOTIFY_OBJ := $(call obj,$(NOTIFY_SRC))
LIBCOMMON := $(BUILD)/libcommon.a
LIBSERVER := $(BUILD)/libserver.a
LIBCLIENT := $(BUILD)/libclient.a
LIBNOTIFY := $(BUILD)/libnotify.a
LIBFAULT := $(BUILD)/libfault.a
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
TOOL_BIN := $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(TOOL_SRC)) $(BUILD)/fault/crash_writer
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/replay_%,$(FUZZ_SRC))

.PHONY: all deps deps-test demo test test-quick lint format bench fuzz fuzz-replay fuzz-bins soak install deb clean bins units
.SECONDARY:

all: bins
bins: $(BUILD)/bin/guanxid $(BUILD)/bin/guanxi $(BUILD)/bin/guanxi-notify
units: $(UNIT_BIN)
tools: $(TOOL_BIN)

$(BUILD)/gen/guanxi.pb-c.c: proto/guanxi.proto
	@mkdir -p $(@D)
	$(call say,PROTOC,$@)protoc-c --proto_path=proto --c_out=$(@D) $<
$(BUILD)/gen/guanxi.pb-c.h: $(BUILD)/gen/guanxi.pb-c.c ;
$(BUILD)/gen/pinyin_table.c: common/pinyin_table.awk /usr/share/unicode/Unihan_Readings.txt.bz2
	@mkdir -p $(@D)
	$(call say,TABLE,$@)bzcat /usr/share/unicode/Unihan_Readings.txt.bz2 | LC_ALL=C awk -f common/pinyin_table.awk > $@
$(BUILD)/gen/han_table.c: common/han_table.awk /usr/share/unicode/Unihan_Variants.txt.bz2
	@mkdir -p $(@D)
	$(call say,TABLE,$@)bzcat /usr/share/unicode/Unihan_Variants.txt.bz2 | LC_ALL=C awk -f common/han_table.awk > $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) -Wno-missing-prototypes -MMD -MP -c -o $@ $<
$(BUILD)/obj/%.o: %.c Makefile | $(GEN_HDR)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIBCOMMON): $(COMMON_OBJ)
$(LIBSERVER): $(filter-out $(BUILD)/obj/server/main.o,$(SERVER_OBJ))
$(LIBFAULT): $(call obj,$(FAULT_SRC))
$(LIBCLIENT): $(filter-out $(BUILD)/obj/client/main.o,$(CLIENT_OBJ))
$(LIBNOTIFY): $(filter-out $(BUILD)/obj/server/notify/main.o,$(NOTIFY_OBJ))
$(BUILD)/lib%.a:
	@rm -f $@
	$(call say,AR,$@)ar rcsD $@ $^

$(BUILD)/bin/guanxid: $(BUILD)/obj/server/main.o $(LIBSERVER) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_SERVER)
$(BUILD)/bin/guanxi: $(BUILD)/obj/client/main.o $(LIBCLIENT) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_CLIENT)
# Sends mail: of the server it has only what calls the admin socket, and it alone has libcurl.
$(BUILD)/bin/guanxi-notify: $(BUILD)/obj/server/notify/main.o $(LIBNOTIFY) $(LIBSERVER) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_NOTIFY)
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBFAULT) $(LIBSERVER) $(LIBCLIENT) $(LIBNOTIFY) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_SERVER) $(LIBS_CLIENT)
$(BUILD)/fault/%: $(BUILD)/obj/tests/fault/%.o $(LIBFAULT) $(LIBSERVER) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_SERVER)
$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(LIBSERVER) $(LIBCLIENT) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_SERVER) $(LIBS_CLIENT)
# Targets that replay their corpus need no fuzzer: they are part of "make test".
$(BUILD)/fuzz/replay_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay.o $(LIBSERVER) $(LIBCLIENT) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_SERVER) $(LIBS_CLIENT)
$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(LIBSERVER) $(LIBCLIENT) $(LIBCOMMON)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS_SERVER) $(LIBS_CLIENT)
fuzz-replay: $(REPLAY_BIN)
fuzz-bins: $(FUZZ_BIN)

# Everything that is missing is installed by apt-get, through sudo only when not root. Does nothing when all is there.
install-packages = \
	missing=""; for p in $(1); do dpkg -s "$$p" >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; root=""; [ "$$(id -u)" = 0 ] || root="sudo"; \
		$$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
deps:
	@$(call install-packages,$(PACKAGES_BUILD))
deps-test: deps
	@$(call install-packages,$(PACKAGES_TEST))

# The packages decide the flags, so what is built after an installation is built by a new make.
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BIN=$(CURDIR)/$(BUILD)/bin tests/demo/demo.sh

TEST_BUILD := build/test
TEST_MAKE = $(MAKE) --no-print-directory -j$$(nproc) BUILD=$(TEST_BUILD) SANITIZE=address,undefined OPT="-O1 -g"
UNIT_TESTS = $(patsubst tests/unit/%.c,$(TEST_BUILD)/unit/%,$(UNIT_SRC))
QUICK_TESTS = $(wildcard tests/cli/*.sh tests/interop/*_test.py tests/lint/*.sh)
SLOW_TESTS = $(wildcard tests/fault/*.sh tests/fuzz/*.sh)

test: deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) all tools
	@$(MAKE) --no-print-directory -j$$(nproc) CC=clang BUILD=build/clang all
	@$(TEST_MAKE) bins units tools fuzz-replay
	@BIN=$(CURDIR)/$(TEST_BUILD)/bin tests/run.sh $(TEST_BUILD)/logs $(UNIT_TESTS) $(QUICK_TESTS) $(SLOW_TESTS) tests/demo/demo.sh
test-quick: deps-test
	@$(TEST_MAKE) bins units tools
	@BIN=$(CURDIR)/$(TEST_BUILD)/bin tests/run.sh $(TEST_BUILD)/logs $(UNIT_TESTS) $(QUICK_TESTS)

# The whole check of the sources; the scripts alone are part of the tests too.
LINT_SRC = $(COMMON_SRC) $(SERVER_SRC) $(CLIENT_SRC) $(NOTIFY_SRC) $(wildcard tests/*/*.c)
LINT_HDR = $(wildcard common/*.h server/*.h server/*/*.h client/*.h client/*/*.h tests/*/*.h)
lint: deps-test $(GEN_HDR)
	@clang-format --dry-run -Werror $(LINT_SRC) $(LINT_HDR)
	@echo "ok - clang-format"
	@tests/lint/layers.sh
	@tests/lint/limits.sh
	@tests/lint/self_test.sh
	@for f in $(LINT_SRC); do clang $(CFLAGS) -fsyntax-only $$f || exit 1; done
	@echo "ok - clang takes every source without a warning"

# Each target for SECONDS_EACH; what it finds goes to build/found, new inputs to build/found/NAME.
SECONDS_EACH := 60
FUZZ_BUILD := build/fuzzer
fuzz: deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) CC=clang BUILD=$(FUZZ_BUILD) SANITIZE=address,undefined,fuzzer-no-link OPT="-O1 -g" fuzz-bins
	@for f in $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)); do \
		mkdir -p build/found/$$f; echo "fuzz $$f for $(SECONDS_EACH) s"; \
		$(FUZZ_BUILD)/fuzz/fuzz_$$f -max_total_time=$(SECONDS_EACH) -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=build/found/$$f- build/found/$$f tests/fuzz/corpus/$$f || exit 1; \
	done

# Long forms of what "make test" does briefly: server and clients killed at random under load.
soak: deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@BIN=$(CURDIR)/$(BUILD)/bin tests/fault/reminders_kill9.py 300 10 1000

bench: deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) all tools
	@BIN=$(CURDIR)/$(BUILD)/bin tests/bench/bench.sh
	@BIN=$(CURDIR)/$(BUILD)/bin tests/bench/reminders.py

# Man pages are made at installation: building and testing need no scdoc.
MAN := $(patsubst deploy/man/%.scd,$(BUILD)/man/%,$(wildcard deploy/man/*.scd))
$(BUILD)/man/%: deploy/man/%.scd
	@mkdir -p $(@D)
	$(call say,MAN,$@)scdoc < $< > $@
install: all
	@$(call install-packages,scdoc)
	@$(MAKE) --no-print-directory $(MAN)
	install -D -m 755 $(BUILD)/bin/guanxid $(DESTDIR)$(PREFIX)/sbin/guanxid
	install -D -m 755 $(BUILD)/bin/guanxi-notify $(DESTDIR)$(PREFIX)/sbin/guanxi-notify
	install -D -m 755 $(BUILD)/bin/guanxi $(DESTDIR)$(PREFIX)/bin/guanxi
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/guanxi/holidays deploy/holidays/*
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local|$(PREFIX)|' deploy/guanxid.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/guanxid.service
	sed 's|/usr/local|$(PREFIX)|' deploy/guanxi-notify.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/guanxi-notify.service
	for page in $(MAN); do install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$(basename $$page); done

# Debian packages of what is committed, in build/deb.
deb:
	@$(call install-packages,$(PACKAGES_BUILD) scdoc debhelper dpkg-dev)
	rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/guanxi
	git archive HEAD | tar -x -C $(BUILD)/deb/guanxi
	cp -r deploy/debian $(BUILD)/deb/guanxi/
	cd $(BUILD)/deb/guanxi && MAKEFLAGS= dpkg-buildpackage -b -us -uc -j$$(nproc)
	@ls -l $(BUILD)/deb/*.deb

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
