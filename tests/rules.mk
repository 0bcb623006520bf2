# SPDX-License-Identifier: Apache-2.0
# Rules for tests, included by the Makefile.
$(filter $(BUILD)/tests/unit/agent/%,$(UNIT_BIN)): $(LIBAGENT)
$(filter $(BUILD)/tests/unit/producer/%,$(UNIT_BIN)): $(LIBPRODUCER)
$(call obj,$(UNIT) $(UNIT_AID)): override CPPFLAGS += -Itests/unit
$(UNIT_BIN): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(UNIT_AID)) $(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter-out $(LIBCOMMON),$(filter %.a,$^)) $(LIBCOMMON) \
		$(LDLIBS) -lcmocka -lpthread

$(BUILD)/tests/programs/health: $(BUILD)/tests/programs/samples_aid.o $(LIBPRODUCER)
$(BUILD)/tests/programs/online: $(LIBAGENT)
$(BUILD)/tests/programs/confined_agent: $(TOOLS_AID_OBJ) $(LIBAGENT)
$(BUILD)/tests/programs/confined_producer: $(TOOLS_AID_OBJ) $(LIBPRODUCER)
# chain asks a server of recordings in the place of all others.
$(BUILD)/tests/programs/chain: override LDFLAGS += \
	-Wl,--wrap=http_do,--wrap=http_start
# settings is linked once with the table of settings of each program.
SETTINGS_BIN := $(addprefix $(BUILD)/tests/programs/settings_,agent producer)
$(BUILD)/tests/programs/settings_agent: $(LIBAGENT)
$(BUILD)/tests/programs/settings_producer: $(LIBPRODUCER)
$(SETTINGS_BIN): $(BUILD)/tests/programs/settings.o
$(TOOLS_BIN): $(BUILD)/%: $(BUILD)/%.o
$(TOOLS_BIN) $(SETTINGS_BIN): $(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter-out $(LIBCOMMON),$(filter %.a,$^)) $(LIBCOMMON) \
		$(LDLIBS)
tests: $(SETTINGS_BIN)
-include $(BUILD)/tests/programs/settings.d

# Time is simulated by aid/virtual.c, in our own code alone.
$(UNIT_BIN): override LDFLAGS += -Wl,--wrap=clock_gettime \
	-Wl,--wrap=__clock_gettime64,--wrap=curl_multi_poll

# aid/power.c cuts the power at any of the calls that write a state file.
$(UNIT_BIN): override LDFLAGS += -Wl,--wrap=pwrite64,--wrap=fdatasync \
	-Wl,--wrap=fsync,--wrap=renameat

# aid/failing.c has any of these fail; it has code for one processor.
FAILING := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),\
	$(shell sed -n 's/^FAILS.\(\w*\),.*/-Wl,--wrap=\1/p' tests/unit/aid/failing.c))
$(UNIT_BIN): override LDFLAGS += $(FAILING)

# test_host has a kernel and a clock of its own.
$(filter %/test_host,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=getrandom,--wrap=adjtimex,--wrap=___adjtimex64

# test_source has reads fail as those of a device do.
$(filter %/test_source,$(UNIT_BIN)): override LDFLAGS += -Wl,--wrap=read

# test_inject has a kernel of its own; the later names are those of 32 bits.
$(filter %/test_inject,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=open64,--wrap=fstat64,--wrap=__fstat64_time64 \
	-Wl,--wrap=ioctl,--wrap=__ioctl_time64

# test_verify has verifying fail.
$(filter %/test_verify,$(UNIT_BIN)): override LDFLAGS += -Wl,--wrap=message_verify

# test_deliver has a pool that takes bytes and asks for no privilege.
$(filter %/test_deliver,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=ioctl,--wrap=__ioctl_time64

# test_steps has services that know no user.
$(filter %/test_steps,$(UNIT_BIN)): override LDFLAGS += -Wl,--wrap=getpwnam_r

# test_files_versions has a kernel with Landlock.
$(filter %/test_files_versions,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=syscall,--wrap=open64

# test_runner_inside counts how often a process wakes.
$(filter %/test_runner_inside,$(UNIT_BIN)): override LDFLAGS += -Wl,--wrap=poll

# test_imds_patience has a metadata service in virtual time instead of HTTP.
$(filter %/test_imds_patience,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=http_start,--wrap=http_wait,--wrap=http_wait_any \
	-Wl,--wrap=http_status,--wrap=http_body,--wrap=http_transfer_free

# test_tend has a service, a source and days in virtual time.
$(filter %/test_tend,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=session_open,--wrap=session_shut_out,--wrap=http_rest \
	-Wl,--wrap=sqs_queue_depth,--wrap=sqs_send,--wrap=sqs_clock_behind \
	-Wl,--wrap=batch_fill

# test_hpke sees what is wiped; Fortify has a name of its own for that.
$(filter %/test_hpke,$(UNIT_BIN)): override LDFLAGS += \
	-Wl,--wrap=explicit_bzero,--wrap=__explicit_bzero_chk

# test_buf looks at each block before it is freed.
$(filter %/test_buf,$(UNIT_BIN)): override LDFLAGS += -Wl,--wrap=free

# Each target for FUZZ_SECONDS, from its corpus: by libFuzzer where the
# compiler FUZZ_CC has it, else by tests/fuzz/plain.c with what sanitizers
# CC has.  FUZZ_TARGETS="json sqs" runs these alone.
FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_TARGETS ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
## each fuzz target for FUZZ_SECONDS=60; FUZZING=--write makes the table, too
fuzz:
	$(Q)$(if $(filter --write,$(FUZZING)),$(PYTHON) tests/fuzz/table) \
		tests/fuzz/run "$(BUILD)/fuzz" $(FUZZ_SECONDS) "$(FUZZ_CC)" \
		"$(CC)" $(FUZZ_TARGETS)

FUZZ := $(wildcard tests/fuzz/*.c)
FUZZ_BIN := $(patsubst %.c,$(BUILD)/%,$(filter tests/fuzz/fuzz_%,$(FUZZ)))
FUZZ_DRIVER ?= $(BUILD)/tests/fuzz/plain.o
$(BUILD)/tests/fuzz/fuzz_agent_record: $(LIBAGENT)
$(BUILD)/tests/fuzz/fuzz_nist: $(LIBPRODUCER)
$(BUILD)/tests/fuzz/fuzz_producer_answer: $(LIBPRODUCER)
$(FUZZ_BIN): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/fuzz/aid.o \
		$(FUZZ_DRIVER) $(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		$(filter-out $(LIBCOMMON),$(filter %.a,$^)) $(LIBCOMMON) \
		$(LDLIBS) $(FUZZ_LD)
## build the fuzz targets alone
fuzzers: $(FUZZ_BIN)

# What each says is shown when it has ended.  255 ends xargs.
# UNIT_EXCEPT="test_a test_b" leaves these out.
UNIT_JOBS ?= 1
## the unit tests; RUNNER="valgrind -q" runs each by that, UNIT_JOBS=2 two at once
check-unit: tests
	$(Q)printf '%s\n' $(filter-out $(UNIT_EXCEPT:%=\%/%),$(UNIT_BIN)) | \
		xargs -P $(UNIT_JOBS) -n 1 sh -c \
		'$(RUNNER) ./$$0 >$$0.log 2>&1; code=$$?; cat $$0.log; \
		[ $$code -eq 0 ] || exit 255'

# NAME is a part of a file's name or of a function's; tests/one finds them.
## T=NAME: the unit and integration tests of that name
test:
	$(Q)BUILD="$(BUILD)" PYTHON="$(PYTHON)" RUNNER="$(RUNNER)" MAKE="$(MAKE)" \
		tests/one "$(T)" $(PYTEST)

# Without Fortify, whose checks would come before the sanitizers' better
# reports.
ASAN = $(MAKE) --no-print-directory BUILD=$(BUILD)/asan \
	OPT="-O1 -g -fno-omit-frame-pointer" FORTIFY=-U_FORTIFY_SOURCE \
	EXTRA_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all"
## the unit tests with sanitizers, in build/asan/; T=NAME: some
asan:
	+$(Q)$(ASAN) $(if $(T),test UNIT_ONLY=1,check-unit)

## what a compromised online half sends, to an offline half with sanitizers
check-mutants: all tests
	+$(Q)$(ASAN) $(BUILD)/asan/tests/programs/online
	$(Q)SANITIZED=$(abspath $(BUILD)/asan) BUILD=$(BUILD) $(PYTHON) -m pytest \
		-q tests/integration/test_compromise.py -k sanitizers $(PYTEST)

## what each folder may include, what stands twice, what no program uses
check-levels:
	$(Q)CC="$(CC)" tests/levels
	$(Q)$(PYTHON) tests/figures --check >$(BUILD)/figures || \
		{ cat $(BUILD)/figures; exit 1; }

# Most of their time is waiting for deadlines: four for each processor.
PYTEST_JOBS ?= $(shell echo $$((4 * $$(nproc))))
# Without valgrind's header no instructions are counted.
BENCH_SO := $(if $(wildcard /usr/include/valgrind/callgrind.h),\
	$(BUILD)/tests/bench/counted.so)
# What tests the counting of instructions counts many: check-bench runs it.
## the two programs against their stand-ins
check-integration: all tests
	$(Q)rm -rf $(BUILD)/said && mkdir $(BUILD)/said
	$(Q)BUILD=$(BUILD) $(PYTHON) -m pytest -q -n $(PYTEST_JOBS) \
		--dist worksteal --ignore tests/integration/test_bench.py \
		tests/integration $(PYTEST)

# A fleet in virtual time, with the rule of the producer itself.
FLEET := $(wildcard tests/bench/fleet/*.c)
FLEET_BIN := $(BUILD)/tests/bench/fleet/simulate
$(FLEET_BIN): $(call obj,$(FLEET)) $(BUILD)/producer/online/refill.o
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
-include $(FLEET:%.c=$(BUILD)/%.d)
tests: $(FLEET_BIN)
## storms of boots in virtual time: served at once, and no queue too full
check-fleet: $(FLEET_BIN) $(SETTINGS_BIN)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/fleet/report check

## the tables of docs/fleet.md and its chart, anew; fetches matplotlib once
fleet: $(FLEET_BIN) $(BUILD)/venv-plot/bin/python
	$(Q)BUILD=$(BUILD) $(BUILD)/venv-plot/bin/python tests/bench/fleet/report \
		write
.PHONY: check-fleet fleet

# Years in minutes: the programs whole, each in one process and virtual time.
comma := ,
YEARS_WRAPPED := clock_gettime __clock_gettime64 poll nanosleep getrandom write \
	pwrite64 fdatasync fsync renameat openat64 split_run split_end_fd \
	split_stop_fd split_hup confine_no_core confine_half confine_lifetime \
	confine_find_lacks confine_as descriptors_let_go descriptors_init \
	program_end $(addprefix http_,new free ca_bundle distrusts rest start \
		release wait wait_any do status body header was_sent transfer_free)
YEARS := $(wildcard tests/years/*.c)
YEARS_BIN := $(addprefix $(BUILD)/tests/years/,producer agent)
YEARS_AID := $(filter-out %/producer.c %/agent.c %/told.c,$(YEARS)) \
	tests/bench/fleet/random.c tests/bench/canned_answers.c \
	tests/bench/canned_message.c
$(BUILD)/tests/years/producer: $(call obj,tests/years/told.c \
	tests/bench/fleet/queue.c) $(LIBPRODUCER)
$(BUILD)/tests/years/producer: override YEARS_WRAPPED += read
$(BUILD)/tests/years/agent: $(LIBAGENT)
$(BUILD)/tests/years/agent: override YEARS_WRAPPED += inject_open inject_probe \
	inject file_read
$(YEARS_BIN): $(BUILD)/%: $(BUILD)/%.o $(call obj,$(YEARS_AID)) $(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) \
		$(addprefix -Wl$(comma)--wrap=,$(YEARS_WRAPPED)) -o $@ \
		$(filter %.o,$^) $(filter-out $(LIBCOMMON),$(filter %.a,$^)) \
		$(LIBCOMMON) $(LDLIBS)
-include $(YEARS:%.c=$(BUILD)/%.d)
## build what check-years and years run
simulations: $(YEARS_BIN)
## months of a producer and boots of the agent, with faults, in virtual time
check-years: $(YEARS_BIN)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/years/report check

## years of both, and their section of docs/testing.md; some minutes
years: $(YEARS_BIN)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/years/report write
.PHONY: check-years years simulations

# What measures is small C and runs as tests/bench/bench says.
BENCH_BIN := $(addprefix $(BUILD)/tests/bench/,canned timed link)
CANNED := $(wildcard tests/bench/canned*.c)
$(BUILD)/tests/bench/canned: $(call obj,$(CANNED))
$(filter-out %/canned,$(BENCH_BIN)): $(BUILD)/%: $(BUILD)/%.o
$(BENCH_BIN):
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lssl $(LDLIBS)
-include $(patsubst %.c,$(BUILD)/%.d,$(wildcard tests/bench/*.c))
$(BUILD)/tests/bench/counted.o: override CFLAGS += -fPIC
$(BUILD)/tests/bench/counted.so: $(BUILD)/tests/bench/counted.o
	$(call say,LD)
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) $(filter-out -pie,$(LDFLAGS)) \
		-shared -o $@ $<
tests: $(BENCH_BIN)
## the programs beside what else does their work; BENCH=--quick for a moment
bench: all $(BENCH_BIN) $(BENCH_SO) $(BUILD)/tests/programs/without \
		$(if $(filter --quick,$(BENCH)),,$(BUILD)/venv-plot/bin/python)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/bench $(BENCH)
## has anything of a run grown that can be counted?  BENCH=--write: it may
check-bench: all $(BENCH_BIN) $(BENCH_SO) $(BUILD)/tests/programs/without
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/bench --check $(BENCH)
	$(Q)BUILD=$(BUILD) $(PYTHON) -m pytest -q -n $(PYTEST_JOBS) \
		tests/integration/test_bench.py
## hundreds of agents at once on one queue; STORM='--agents 500 --late 500'
storm: all
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/storm $(STORM)
.PHONY: bench check-bench storm

# As root.  SOAK_SECONDS=60 is a try, SOAK="--seed 7" draws other faults.
SOAK_SECONDS ?= 900
## a producer and 200 agents on a bad network, 15 min; root, SOAK=--write
soak: all $(BUILD)/tests/bench/timed
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/soak --seconds $(SOAK_SECONDS) $(SOAK)
.PHONY: soak

# Faults one at a time, by a library before the others; where the sanitizers are
# it is linked instead, because their allocator comes first.
TORTURE_SO := $(BUILD)/tests/torture/fail.so
$(BUILD)/tests/torture/fail.o: override CFLAGS += -fPIC
$(TORTURE_SO): $(BUILD)/tests/torture/fail.o
	$(call say,LD)
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) $(filter-out -pie,$(LDFLAGS)) \
		-shared -o $@ $<
$(BUILD)/tests/torture/wrapped.o: override CPPFLAGS += -DTORTURE_WRAPPED
$(BUILD)/tests/torture/wrapped.o: tests/torture/fail.c $(BUILD)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(BUILD)/tests/torture/fail.d $(BUILD)/tests/torture/wrapped.d
$(BUILD)/tests/torture/sqs-entropy-agent: $(call obj,$(AGENT))
$(BUILD)/tests/torture/sqs-entropy-producer: $(call obj,$(PRODUCER))
TORTURED := $(addprefix $(BUILD)/tests/torture/sqs-entropy-,agent producer)
$(TORTURED): override LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=free,--wrap=strdup,--wrap=fork,--wrap=_exit
$(TORTURED): $(BUILD)/tests/torture/wrapped.o $(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBCOMMON) $(LDLIBS)
## what torture runs
tortured: all $(TORTURE_SO)
	+$(Q)$(ASAN) $(TORTURED:$(BUILD)/%=$(BUILD)/asan/%)
## each allocation and system call fails once, SIGKILL at each; hours, goes on
torture: tortured
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/torture/torture $(TORTURE)
## a sample of that; TORTURE=--seed=2 is another
check-torture: tortured
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/torture/torture --sample $(TORTURE)
.PHONY: torture tortured check-torture

## each fault of each request, once, twice, for ever; writes docs/faults.md
faults: all
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/faults/faults --write
## a sample of these, always the same
check-faults: all
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/faults/faults --sample
.PHONY: faults check-faults

# Without the folder each of them is skipped, which would look like a success.
## what we compute and choose, against published cases; VECTORS=DIR
check-vectors: all tests
	$(Q)[ -d "$(VECTORS)" ] || { echo "VECTORS=DIR names no folder" >&2; exit 2; }
	$(Q)VECTORS="$(VECTORS)" BUILD=$(BUILD) $(PYTHON) -m pytest -q \
		-n $(PYTEST_JOBS) tests/integration/test_vectors*.py $(PYTEST)
.PHONY: check-vectors

# Half an hour; "tests/coverage --gaps --read" then says what is not reached.
## lines and branches that all tests reach, into docs/testing.md; fails below a mark
coverage:
	$(Q)CC="$(CC)" PYTHON="$(PYTHON)" tests/coverage --write
.PHONY: coverage

# What is about the confinement, and who attacks it.
LAYERED := $(patsubst %,tests/integration/test_%.py,compromise confinement \
	descriptors forgery fork landlock privilege replay stopping tampering \
	trust)
## the tests of confinement and attacks, with each layer missing, and with both
check-layers: all tests
	$(Q)for layers in landlock seccomp landlock,seccomp; do \
		WITHOUT=$$layers BUILD=$(BUILD) $(PYTHON) -m pytest -q \
			-n $(PYTEST_JOBS) --dist loadfile $(LAYERED) $(PYTEST) || \
			exit 1; \
	done
.PHONY: check-layers

# spin checks the delivery protocol.  "make check" leaves it out where there is
# no spin.
## the delivery protocol, checked by spin
model:
	$(Q)BUILD=$(BUILD) CC="$(CC)" tests/model/check

## the same, left out where there is no spin
check-model:
	$(Q)BUILD=$(BUILD) CC="$(CC)" tests/model/check || [ $$? -eq 77 ]

# packaging/aws: what moto does not know of it is evaluated from its text.  What
# PYTEST selects of "make check" need not be here, which pytest takes for an error.
## the policies and the alarms of the CloudFormation template
check-template:
	$(Q)$(PYTHON) -m pytest -q $(patsubst %,tests/aws/test_%.py,template \
		policies alarms) $(if $(filter $@,$(MAKECMDGOALS)),$(PYTEST))

VENV_AWS := build/venv-aws
$(VENV_AWS)/made: tests/requirements-aws.txt tests/requirements.txt
	$(Q)rm -rf $(@D) && $(PYTHON) -m venv $(@D) && $(@D)/bin/pip -q \
		--disable-pip-version-check install --no-compile -r $< && touch $@
## the same, its linter, and the programs in a stack of moto's CloudFormation
check-aws: all check-template $(VENV_AWS)/made
	$(Q)BUILD=$(BUILD) $(VENV_AWS)/bin/python -m pytest -q \
		tests/aws/test_deployed.py $(PYTEST)
.PHONY: check-template check-aws

## those parts of "check" that need Python's packages
check-python: check-levels check-template check-fleet check-integration
## all that a change needs: unit, model, levels, template, fleet, integration
check: check-unit check-model check-python

.PHONY: fuzz fuzzers check-unit test asan check-levels check-integration model \
	check-model check check-python check-mutants

# It takes 10^9 samples a source instead of 5*10^7, and prints the figures.
## the health tests on 10^9 samples a source
check-health-long: tests
	$(Q)HEALTH_SAMPLES=1000000000 BUILD=$(BUILD) $(PYTHON) -m pytest -q -s \
		tests/integration/test_health.py $(PYTEST)

# 100 files from 1 byte to 100 MB, 450 MB in all.
## producer --assess against ent(1), on a hundred files up to 100 MB
check-assess: all
	$(Q)ASSESS=all BUILD=$(BUILD) $(PYTHON) -m pytest -q \
		tests/integration/test_assess.py -k equal_to_ent $(PYTEST)
.PHONY: check-assess

$(BUILD)/venv-plot/bin/python: tests/requirements-plot.txt
	$(Q)python3 -m venv $(BUILD)/venv-plot
	$(Q)$@ -m pip install -q -r $<
	$(Q)touch $@

## the producer's example that draws a page of a sample; fetches matplotlib once
check-plot: all $(BUILD)/venv-plot/bin/python
	$(Q)PLOT_PYTHON=$(abspath $(BUILD))/venv-plot/bin/python BUILD=$(BUILD) \
		$(PYTHON) -m pytest -q tests/integration/test_plot_sample.py $(PYTEST)
.PHONY: check-plot

$(BUILD)/venv-mutation/bin/python: tests/requirements-mutation.txt
	$(Q)python3 -m venv $(BUILD)/venv-mutation
	$(Q)$@ -m pip install -q -r $<
	$(Q)touch $@

# It goes on where it was stopped; MUTATION=--again tries the survivors once more.
## small changes of the source that tests should notice; MUTATION="--only N" is one
mutation: $(BUILD)/venv-mutation/bin/python
	+$(Q)PYTHON=$(PYTHON) $< tests/mutation $(or $(MUTATION),--write)
.PHONY: mutation

## the two programs where OpenSSL is in FIPS mode; makes the providers once
check-fips: all
	$(Q)tests/fips "$(BUILD)/fips"
	$(Q)FIPS_PROVIDERS="$(BUILD)/fips" BUILD=$(BUILD) $(PYTHON) -m pytest -q \
		-n $(PYTEST_JOBS) tests/integration/test_fips.py $(PYTEST)
## the example for Ignition, by Butane and Ignition; root, needs go and libblkid-dev
check-ignition: all
	$(Q)BUILD=$(BUILD) tests/ignition
.PHONY: check-fips check-ignition

# The debs of this machine, a Debian 12, in roots of two releases; as root.
## sealing by X-Wing, in a root whose OpenSSL has ML-KEM; root, VECTORS=DIR
check-xwing: export DEB_BUILD_OPTIONS ?= nocheck
check-xwing: all tests deb
	$(Q)VECTORS="$(VECTORS)" BUILD=$(BUILD) PYTHON=$(PYTHON) \
		PYTEST_JOBS=$(PYTEST_JOBS) tests/xwing $(PYTEST)
.PHONY: check-xwing

## "./bootstrap check" in a new minimal Debian root
check-fresh:
	$(Q)tests/fresh
.PHONY: check-health-long check-fresh

# Machines that boot, in emulation: as root, half an hour.  VM=--quick is one
# boot of one release; VM="empty denied" are these scenarios alone.
VM ?=
$(BUILD)/tests/vm/early: $(BUILD)/tests/vm/early.o $(BUILD)/agent/offline/inject.o \
		$(LIBCOMMON)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
-include $(BUILD)/tests/vm/early.d
## machines that boot, in emulation; root, VM=--quick is one
check-vm: export DEB_BUILD_OPTIONS ?= nocheck
check-vm: all $(BUILD)/tests/vm/early $(if $(VM_DEB),,deb)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/vm/check $(VM)
.PHONY: check-vm

# The unit files: what systemd says about them, then, as root, the services at
# work in containers.  SUITES=bookworm boots that release alone.
## the services at work in containers; root, SUITES=bookworm
check-systemd: all
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/systemd/check
## the six commands in a container, compared with docs/walkthrough.md; WALK=write
check-walk: export DEB_BUILD_OPTIONS ?= nocheck
check-walk: all deb $(VENV_AWS)/made
	$(Q)BUILD=$(BUILD) PYTHON=$(VENV_AWS)/bin/python WALK=$(or $(WALK),read) \
		DEBS=build/deb SUITES="$$(. /etc/os-release && \
		echo "$$VERSION_CODENAME")" PYTEST="-k walk $(PYTEST)" tests/systemd/check
.PHONY: check-systemd check-walk

# cloud-init's module under the cloud-init of several releases of Debian; as
# root, some minutes.  TREES="DIRECTORY ..." are unpacked sources to try too.
## cloud-init's module under several releases; root
check-cloud-init: all
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/cloud_init/versions $(PYTEST)
.PHONY: check-cloud-init

# Programs for other architectures, by qemu: processes, then whole machines.
# ARCHS="armhf" and MACHINES="arm64/armhf" are these alone; tests/arch tells.
ARCHS ?= arm64 armhf
MACHINES ?= arm64/arm64 arm64/armhf armhf/armhf
## programs for ARCHS="arm64 armhf", by qemu
check-arch: all
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/arch/run $(ARCHS)
## whole machines of other architectures, by qemu
check-arch-system: all
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/arch/system $(MACHINES)
.PHONY: check-arch check-arch-system
