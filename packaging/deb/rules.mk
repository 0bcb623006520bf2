# SPDX-License-Identifier: Apache-2.0
# Debian packages, included by packaging/install.mk.
## Debian packages into build/deb/
deb:
	$(Q)packaging/deb/build

# make deb-cross ARCH=arm64 (or armhf, or amd64), SUITE=bookworm
## the same for ARCH=arm64, SUITE=bookworm
deb-cross:
	$(Q)packaging/deb/cross $(ARCH)

## debs: lintian, built twice, install to purge; root
check-deb:
	$(Q)tests/packages/deb

.PHONY: deb deb-cross check-deb
