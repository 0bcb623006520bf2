# SPDX-License-Identifier: Apache-2.0
# rpms and repositories, included by packaging/install.mk.

# RPMBUILD="--with bundled_libconfuse" and the like go to rpmbuild.
rpm:
	$(Q)packaging/rpm/build $(RPMBUILD)

# Of build/deb/ and build/rpm/, for REPO_URL, signed by REPO_KEY.
repo:
	$(Q)REPO_URL="$(REPO_URL)" REPO_KEY="$(REPO_KEY)" packaging/repo/build

check-rpm:
	$(Q)tests/packages/rpm

check-repo:
	$(Q)tests/packages/repo

.PHONY: rpm repo check-rpm check-repo
