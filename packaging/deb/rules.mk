# SPDX-License-Identifier: Apache-2.0
# Debian packages, included by packaging/install.mk.
deb:
	$(Q)packaging/deb/build

# make deb-cross ARCH=arm64 (or armhf, or amd64), SUITE=bookworm
deb-cross:
	$(Q)packaging/deb/cross $(ARCH)

check-deb:
	$(Q)tests/packages/deb

.PHONY: deb deb-cross check-deb
