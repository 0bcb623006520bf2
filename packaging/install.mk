# SPDX-License-Identifier: Apache-2.0
# Where each file is installed; the Makefile includes this, and the packages are
# made by these targets.
## install all of it; PREFIX=/usr/local DESTDIR=
install: install-agent install-producer
	$(if $(DESTDIR),,$(Q)packaging/activate $(SYSUSERSDIR) $(TMPFILESDIR))

# files MODE DIRECTORY FILE...: put there under their own names
define files
	$(Q)$(INSTALL) -d $(DESTDIR)$(2)
	$(Q)$(INSTALL) -m $(1) $(3) $(DESTDIR)$(2)
endef

# as MODE FILE PATH: put there under another name
define as
	$(Q)$(INSTALL) -d $(DESTDIR)$(dir $(strip $(3)))
	$(Q)$(INSTALL) -m $(1) $(2) $(DESTDIR)$(strip $(3))
endef

# unit FILE.in [PATH]: put a unit there, or a part of one, with the programs' paths
# in this installation, and in place of @CONFINEMENT@ the file of this name beside it
define unit
	$(Q)$(INSTALL) -d $(dir $(DESTDIR)$(UNITDIR)/$(2))
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' \
		-e '/^@CONFINEMENT@$$/{' -e 'r $(dir $(1))confinement' -e 'd' -e '}' \
		$(1) >$(DESTDIR)$(UNITDIR)/$(or $(2),$(notdir $(basename $(1))))
	$(Q)chmod 644 $(DESTDIR)$(UNITDIR)/$(or $(2),$(notdir $(basename $(1))))
endef

# Both programs come with them, because one Pi and one instance are two machines.
PAGES := README.md $(addprefix docs/,aws.md failures.md fleet.md fleet.svg \
	instance.md pi.md snapshots.md threat-model.md walkthrough.md when-to-use.md)

## the agent with its pages and units
install-agent: $(BUILD)/sqs-entropy-agent
	$(call files,755,$(SBINDIR),$<)
	$(call files,644,$(MANDIR)/man8,agent/man/sqs-entropy-agent.8)
	$(call files,644,$(MANDIR)/man7,agent/man/sqs-entropy.7)
	$(call files,644,$(MANDIR)/man5,agent/man/sqs-entropy-agent.conf.5)
	$(call as,644,packaging/completion.bash,$(BASHCOMPDIR)/sqs-entropy-agent)
	$(call files,644,$(DOCDIR)/sqs-entropy-agent,$(PAGES))
	$(call files,644,$(DOCDIR)/sqs-entropy-agent/examples,agent/agent.conf)
	$(Q)$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/sqs-entropy/trusted.d
	$(call unit,agent/systemd/sqs-entropy-agent.service.in)
	$(call unit,agent/systemd/sqs-entropy-agent-retry.service.in)
	$(call unit,agent/systemd/sqs-entropy-agent-forked.service.in)
	$(call unit,agent/systemd/sqs-entropy-agent-seeded.service.in)
	$(call unit,agent/systemd/sqs-entropy-agent-watch.service.in)
	$(call files,644,$(UNITDIR),$(addprefix agent/systemd/sqs-entropy-,agent.timer \
		agent-retry.timer seeded.target))
	$(call files,755,$(LIBEXECDIR)/sqs-entropy,agent/systemd/watch-generation)
	$(call as,644,agent/systemd/udev.rules,$(UDEVDIR)/60-sqs-entropy-agent.rules)
	$(call as,644,agent/systemd/sysusers.conf,$(SYSUSERSDIR)/sqs-entropy-agent.conf)
	$(call as,644,agent/systemd/tmpfiles.conf,$(TMPFILESDIR)/sqs-entropy-agent.conf)

## the producer with its pages, unit and rule
install-producer: $(BUILD)/sqs-entropy-producer
	$(call files,755,$(SBINDIR),$<)
	$(call files,644,$(MANDIR)/man8,producer/man/sqs-entropy-producer.8)
	$(call files,644,$(MANDIR)/man5,producer/man/sqs-entropy-producer.conf.5)
	$(call as,644,packaging/completion.bash,$(BASHCOMPDIR)/sqs-entropy-producer)
	$(call files,644,$(DOCDIR)/sqs-entropy-producer,$(PAGES))
	$(call files,644,$(DOCDIR)/sqs-entropy-producer/examples,\
		producer/producer.conf producer/plot_sample.py \
		cloud-init/examples/raspberry-pi.yaml \
		packaging/aws/sqs-entropy.yaml)
	$(Q)$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/sqs-entropy
	$(call unit,producer/systemd/sqs-entropy-producer.service.in)
	$(call as,644,producer/systemd/sysusers.conf,\
		$(SYSUSERSDIR)/sqs-entropy-producer.conf)
	$(call as,644,producer/systemd/tmpfiles.conf,\
		$(TMPFILESDIR)/sqs-entropy-producer.conf)
	$(call as,644,producer/systemd/udev.rules,\
		$(UDEVDIR)/60-sqs-entropy-producer.rules)

# Its network stage's unit has another name from 24.3 on.
DROP_INS := $(foreach unit,local network,cloud-init-$(unit).service.d/sqs-entropy.conf) \
	cloud-init.service.d/sqs-entropy.conf

# A target of its own, because a link goes to a directory of Python's.  Without
# PYTHONDIR the first boot makes it.
## cloud-init's module
install-cloud-init:
	$(call files,644,$(LIBEXECDIR)/sqs-entropy,cloud-init/cc_sqs_entropy.py)
	$(if $(PYTHONDIR),$(Q)$(INSTALL) -d $(DESTDIR)$(PYTHONDIR) && ln -sf \
		$(LIBEXECDIR)/sqs-entropy/cc_sqs_entropy.py $(DESTDIR)$(PYTHONDIR))
	$(call unit,cloud-init/cloud-init-local.conf.in,$(word 1,$(DROP_INS)))
	$(call unit,cloud-init/cloud-init-network.conf.in,$(word 2,$(DROP_INS)))
	$(Q)$(INSTALL) -d $(dir $(DESTDIR)$(UNITDIR)/$(word 3,$(DROP_INS)))
	$(Q)ln -sf ../$(word 2,$(DROP_INS)) $(DESTDIR)$(UNITDIR)/$(word 3,$(DROP_INS))
	$(call as,755,cloud-init/module-list,\
		$(LIBEXECDIR)/sqs-entropy/cloud-init-module-list)
	$(call files,644,$(LIBEXECDIR)/sqs-entropy,cloud-init/module_list.py)
	$(call as,755,cloud-init/clean,\
		$(SYSCONFDIR)/cloud/clean.d/80-sqs-entropy-agent)
	$(call files,644,$(DOCDIR)/sqs-entropy-agent/examples,\
		$(filter-out %/raspberry-pi.yaml,$(wildcard cloud-init/examples/*)) \
		cloud-init/schema.json)

# What the three targets above install.  Files of people and programs stay.
INSTALLED := $(foreach p,agent producer,$(SBINDIR)/sqs-entropy-$(p) \
	$(MANDIR)/man8/sqs-entropy-$(p).8 \
	$(MANDIR)/man5/sqs-entropy-$(p).conf.5 \
	$(BASHCOMPDIR)/sqs-entropy-$(p) \
	$(UNITDIR)/sqs-entropy-$(p).service $(UNITDIR)/sqs-entropy-$(p).timer \
	$(addprefix $(UNITDIR)/sqs-entropy-$(p)-,retry.service retry.timer \
		forked.service seeded.service watch.service) \
	$(SYSUSERSDIR)/sqs-entropy-$(p).conf \
	$(TMPFILESDIR)/sqs-entropy-$(p).conf \
	$(UDEVDIR)/60-sqs-entropy-$(p).rules) \
	$(MANDIR)/man7/sqs-entropy.7 $(UNITDIR)/sqs-entropy-seeded.target \
	$(addprefix $(UNITDIR)/,$(DROP_INS)) $(PYTHONDIR)/cc_sqs_entropy.py \
	$(SYSCONFDIR)/cloud/clean.d/80-sqs-entropy-agent
# cloud-init's list is changed first, because it must not name a module that is
# gone.  It is the list of this machine, and not touched for a DESTDIR.
LIST_COMMAND := $(LIBEXECDIR)/sqs-entropy/cloud-init-module-list
## take away what was installed
uninstall:
	$(if $(DESTDIR),,[ ! -x "$(LIST_COMMAND)" ] || \
		"$(LIST_COMMAND)" remove || :)
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	rm -rf $(DESTDIR)$(LIBEXECDIR)/sqs-entropy \
		$(addprefix $(DESTDIR)$(DOCDIR)/sqs-entropy-,agent producer)
	rmdir $(addprefix $(DESTDIR)$(SYSCONFDIR)/,sqs-entropy/trusted.d \
		sqs-entropy) 2>/dev/null || :

# RELEASE=--check is a trial, without a tag.
## tarball and packages, built twice and compared, tested; RELEASE=--check
release:
	$(Q)PYTHON="$(PYTHON)" packaging/release $(RELEASE)

.PHONY: release install install-agent install-producer install-cloud-init uninstall
include packaging/rpm/rules.mk
include packaging/deb/rules.mk
