# SPDX-License-Identifier: Apache-2.0
# rpms and repositories, included by packaging/install.mk.

# RPMBUILD="--with bundled_libconfuse" and the like go to rpmbuild.
## rpms into build/rpm/; RPMBUILD=OPTIONS
rpm:
	$(Q)packaging/rpm/build $(RPMBUILD)

# Repositories of the packages in build/deb/ and build/rpm/, to be published at
# REPO_URL, signed by REPO_KEY.
## apt and yum repositories of debs and rpms; REPO_URL= REPO_KEY=
repo:
	$(Q)REPO_URL="$(REPO_URL)" REPO_KEY="$(REPO_KEY)" packaging/repo/build

## their next generation, of the same packages, with a new last day
repo-renew:
	$(Q)REPO_URL="$(REPO_URL)" REPO_KEY="$(REPO_KEY)" packaging/repo/build \
		--renew

## rpms: rpmlint, built twice, install to erase; root
check-rpm:
	$(Q)tests/packages/rpm

## repositories, intact and tampered with; root
check-repo:
	$(Q)tests/packages/repo

## apt and dnf behind caches that lag, and with a new key; root
check-repo-cache:
	$(Q)tests/packages/repo_cache

.PHONY: rpm repo repo-renew check-rpm check-repo check-repo-cache
