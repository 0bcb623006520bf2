# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Packages without content, of any version, for trees of several generations;
# sourced by the tests of them.

# stub_deb VERSION DIRECTORY
stub_deb() {
	local tree=$work/tmp/deb
	mkdir -p "$tree/DEBIAN" "$2"
	cat >"$tree/DEBIAN/control" <<-END
	Package: sqs-entropy-agent
	Version: $1
	Architecture: $(dpkg --print-architecture)
	Maintainer: Nobody <nobody@example.org>
	Description: empty, for tests
	END
	dpkg-deb --root-owner-group --build "$tree" "$2" >/dev/null
}

# stub_rpm VERSION DIRECTORY [LINE]: of an architecture, as ours are
stub_rpm() {
	local spec=$work/tmp/stub.spec
	cat >"$spec" <<-END
	Name: sqs-entropy-agent
	Version: ${1%-*}
	Release: ${1#*-}
	Summary: For tests
	License: ISC
	${3-}
	%description
	Test.
	%files
	END
	must "the rpm $1" rpmbuild --define "_topdir $work/tmp/rpmbuild" \
		--define "_rpmdir $2" -bb "$spec"
}

# stub_packages VERSION: into $work/tmp/VERSION/debs and .../rpms
stub_packages() {
	[ ! -d "$work/tmp/$1" ] || return 0
	stub_deb "$1" "$work/tmp/$1/debs"
	stub_rpm "$1" "$work/tmp/$1/rpms"
}
