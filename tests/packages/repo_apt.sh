# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# apt against what tests/packages/repo serves; sourced by it.

# It has seen nothing yet.
forget_apt() {
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb
}

apt_in() {
	within "$root" apt-get -q -o APT::Sandbox::User=root \
		-o Acquire::Retries=0 "$@"
}

# An index that was had before must not be the way around, either.
apt_refuses() {
	forget_apt
	refused "apt: $1" "$2" apt_in -o APT::Update::Error-Mode=any update
	if within "$root" apt-cache policy sqs-entropy-agent |
		grep -q 'Candidate: [0-9]'; then
		die "apt: $1: refused, and offered all the same"
	fi
}

installed_deb() {
	within "$root" dpkg-query -s sqs-entropy-agent 2>/dev/null |
		grep -qx 'Status: install ok installed'
}

apt_by_the_readme() {
	local line
	# Nothing else is in reach of this root.
	rm -f "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
	lines apt-get >"$work/tmp/lines"
	[ "$(wc -l <"$work/tmp/lines")" -eq 3 ] || die "not three lines for apt"
	while IFS= read -r line; do
		must "typed: $line" as_told "$line" </dev/null
	done <"$work/tmp/lines"
	installed_deb || die "apt: not installed"
	must "apt: purging" apt_in -y purge sqs-entropy-agent
	say "apt: installed by the README's three lines"
}

dists() {
	echo "$work/tmp/served/apt/dists/stable"
}

# each INDEX: the named file and its copies by hash
each() {
	find "$(dists)" -name "$1"
	find "$(dists)" -path '*/by-hash/*' -type f
}

attack_package() {
	local file
	serve good
	forget_apt
	must "apt: updating" apt_in update
	for file in "$work"/tmp/served/apt/pool/main/s/sqs-entropy/*.deb; do
		damage "$file"
	done
	refused "apt: a tampered package" 'Hash Sum mismatch' \
		apt_in -y install sqs-entropy-agent
	for file in "$work"/tmp/served/apt/pool/main/s/sqs-entropy/*.deb; do
		printf 'x' >>"$file"
	done
	refused "apt: a longer package" 'unexpected size|Hash Sum mismatch' \
		apt_in -y install sqs-entropy-agent
	! installed_deb || die "apt: a tampered package is installed"
}

attack_indexes() {
	local file
	serve good
	for file in $(each 'Packages*'); do
		damage "$file" 20
	done
	apt_refuses "a tampered index" 'Hash Sum mismatch|Unable to parse'
	serve good
	sed -i 's/^Suite: stable/Suite: Stable/' "$(dists)/InRelease"
	apt_refuses "a tampered InRelease" 'BADSIG|invalid'
	serve good
	rm "$(dists)/InRelease"
	sed -i 's/^Suite: stable/Suite: Stable/' "$(dists)/Release"
	apt_refuses "a tampered Release" 'BADSIG|invalid'
	serve good
	rm "$(dists)/InRelease" "$(dists)/Release.gpg"
	apt_refuses "no signature" 'is not signed'
	serve good
	sed '1,/^$/d; /^-----BEGIN PGP SIG/,$d' "$(dists)/InRelease" \
		>"$work/tmp/bare"
	mv "$work/tmp/bare" "$(dists)/InRelease"
	apt_refuses "an InRelease without its signature" \
		'not signed|Clearsigned|NODATA'
}

check_apt() {
	serve good
	apt_by_the_readme
	attack_package
	attack_indexes
	serve other-key
	apt_refuses "another key" 'NO_PUBKEY|not available'
	serve expired
	apt_refuses "a tree past its last day" 'is expired'
	serve good
	forget_apt
	must "apt: updating after all that" apt_in update
}
