# SPDX-License-Identifier: Apache-2.0
# "make help" names the targets; V=1 shows the commands.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc
LIBEXECDIR ?= $(PREFIX)/libexec
SYSCONFDIR ?= /etc
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
# systemd and udev look in these, cloud-init's Python in PYTHONDIR.
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
PYTHONDIR ?= /usr/lib/python3/dist-packages
DESTDIR ?=
BUILD ?= build
CC ?= cc
AR ?= ar
INSTALL ?= install
PKG_CONFIG ?= pkg-config
PYTHON ?= $(CURDIR)/build/venv/bin/python

VERSION := 0.1.0
OPT ?= -O2 -g
FORTIFY ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDEN ?= -fstack-protector-strong -fstack-clash-protection -fPIE $(FORTIFY)
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Editors read compile_flags.txt, too.
WARN := $(filter -W%,$(shell cat compile_flags.txt))
LIBS := libcurl libssl libcrypto yajl libconfuse libseccomp
CFLAGS ?= $(OPT)
# On 32 bits: stat(2) of large inode numbers, and times after 2038.
WIDE := -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
override CPPFLAGS += -D_GNU_SOURCE $(WIDE) -I. -Icommon \
	-DSQS_ENTROPY_VERSION='"$(VERSION)"' \
	-DSQS_ENTROPY_SYSCONFDIR='"$(SYSCONFDIR)"' \
	$(shell $(PKG_CONFIG) --cflags $(LIBS))
override CFLAGS += -std=c11 $(WARN) $(HARDEN) $(WERROR) $(EXTRA_CFLAGS)
override LDFLAGS += $(HARDEN_LD) -Wl,--as-needed $(EXTRA_CFLAGS)
LDLIBS := $(shell $(PKG_CONFIG) --libs $(LIBS)) -lm

COMMON := $(wildcard common/*/*.c)
AGENT := $(wildcard agent/*.c agent/*/*.c)
PRODUCER := $(wildcard producer/*.c producer/*/*.c)
UNIT := $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c)
UNIT_AID := $(wildcard tests/unit/aid/*.c)
TOOLS_AID := $(wildcard tests/programs/*_aid.c)
TOOLS := $(filter-out $(TOOLS_AID) tests/programs/settings.c,\
	$(wildcard tests/programs/*.c))
SOURCES := $(COMMON) $(AGENT) $(PRODUCER) $(UNIT) $(UNIT_AID) $(TOOLS) \
	$(TOOLS_AID) $(wildcard tests/fuzz/*.c)

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIBCOMMON := $(BUILD)/libcommon.a
PROGRAMS := $(BUILD)/sqs-entropy-agent $(BUILD)/sqs-entropy-producer
UNIT_BIN := $(UNIT:%.c=$(BUILD)/%)
TOOLS_BIN := $(TOOLS:%.c=$(BUILD)/%)
TOOLS_AID_OBJ := $(call obj,$(TOOLS_AID))
# The unit tests of agent/ and producer/ link these beside common/.
LIBAGENT := $(BUILD)/libagent.a
LIBPRODUCER := $(BUILD)/libproducer.a

Q := $(if $(V),,@)
say = $(if $(V),,@printf "  %-5s %s\n" $(1) $(patsubst $(BUILD)/%,%,$@))

## build the two programs into build/
all: $(PROGRAMS)
## build the unit tests and the programs that tests run
tests: $(UNIT_BIN) $(TOOLS_BIN)

$(BUILD)/sqs-entropy-agent: $(call obj,$(AGENT)) $(LIBCOMMON)
$(BUILD)/sqs-entropy-producer: $(call obj,$(PRODUCER)) $(LIBCOMMON)
$(PROGRAMS):
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBCOMMON): $(call obj,$(COMMON))
$(LIBAGENT): $(call obj,$(filter-out %/main.c,$(AGENT)))
$(LIBPRODUCER): $(call obj,$(filter-out %/main.c,$(PRODUCER)))
$(LIBCOMMON) $(LIBAGENT) $(LIBPRODUCER):
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Objects depend on the flags: another compiler or sanitizer builds them again.
# WERROR changes no object; two that differ only in it may use one tree at once.
FLAGS := $(CC) $(CPPFLAGS) $(filter-out $(WERROR),$(CFLAGS))
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

## build without optimisation, for gdb, into build/debug/
debug: DEBUG := $(BUILD)/debug
debug:
	$(Q)$(MAKE) --no-print-directory BUILD=$(DEBUG) OPT="-O0 -g3" \
		FORTIFY=-U_FORTIFY_SOURCE all tests
	@printf '%s\n' "The offline half is the parent, the online half its child; as root:" \
		"  gdb --args $(DEBUG)/sqs-entropy-agent --timeout 300 --queue QUEUE" \
		"  gdb -ex 'set follow-fork-mode child' --args ..." \
		"CONTRIBUTING.md: what confinement does to a debugger"

include tests/rules.mk

include packaging/install.mk

## remove what was built; packages and downloads stay
clean:
	rm -rf $(addprefix $(BUILD)/,agent common producer tests model fuzz asan \
		coverage debug ci-* *.a flags) $(PROGRAMS)

# A line "## TEXT" above a target is its help.
## show these lines
help:
	@awk '/^## / { text = substr($$0, 4); next } \
		text != "" { printf "  %-19s %s\n", substr($$1, 1, length($$1) - 1), text } \
		{ text = "" }' $(filter-out %.d,$(MAKEFILE_LIST))

FORCE:
.PHONY: all tests debug clean help FORCE
.SECONDARY:
-include $(patsubst %.c,$(BUILD)/%.d,$(SOURCES))
