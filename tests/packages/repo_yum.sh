# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# dnf against what tests/packages/repo serves; sourced by it.

dnf_in() {
	within "$root" dnf --setopt=retries=1 --setopt=timeout=10 "$@"
}

forget_dnf() {
	rm -rf "$root/var/cache/dnf"
}

installed_rpm() {
	within "$root" rpm -q sqs-entropy-agent >/dev/null
}

dnf_refuses() {
	forget_dnf
	refused "dnf: $1" "$2" dnf_in -y "${@:3}" install sqs-entropy-agent
	! installed_rpm || die "dnf: $1: refused, and installed all the same"
}

# Where Fedora's own repositories would be: what libraries provide.
provider_repo() {
	stub_libraries "$root"
	mkdir -p "$root/srv/libraries"
	cp "$work"/tmp/stubs/noarch/libraries-*.rpm "$root/srv/libraries/"
	must "a repository of libraries" createrepo_c --quiet \
		"$root/srv/libraries"
	mkdir -p "$root/etc/yum.repos.d"
	cat >"$root/etc/yum.repos.d/libraries.repo" <<-'END'
	[libraries]
	name=libraries
	baseurl=file:///srv/libraries
	gpgcheck=0
	END
}

dnf_by_the_readme() {
	local line
	lines dnf >"$work/tmp/lines"
	[ "$(wc -l <"$work/tmp/lines")" -eq 3 ] || die "not three lines for dnf"
	while IFS= read -r line; do
		must "typed: $line" as_told "$line" </dev/null
	done <"$work/tmp/lines"
	installed_rpm || die "dnf: not installed"
	must "dnf: erasing" within "$root" rpm -e sqs-entropy-agent
	say "dnf: installed by the README's three lines"
}

rpms_served() {
	find "$work/tmp/served/yum" -name '*.rpm'
}

repodata() {
	find "$work/tmp/served/yum" -type d -name repodata
}

# The attacker's own packages and indexes, but the key's old signature.
unsigned_packages() {
	local file directory
	for file in $(rpms_served); do
		must "taking a signature away" rpmsign --delsign "$file"
	done
	for directory in $(repodata); do
		mv "$directory/repomd.xml.asc" "$work/tmp/old.asc"
		must "another index" createrepo_c --quiet "${directory%/*}"
		mv "$work/tmp/old.asc" "$directory/repomd.xml.asc"
	done
}

attack_rpms() {
	local file
	serve good
	for file in $(rpms_served); do
		damage "$file" 3000
	done
	dnf_refuses "a tampered package" 'checksum|No more mirrors|Cannot download'
	serve good
	unsigned_packages
	dnf_refuses "unsigned packages, another index" 'signature verification error'
	# One check must not lean on the other.
	dnf_refuses "unsigned packages" 'is not signed' \
		--setopt=sqs-entropy.repo_gpgcheck=0
}

attack_repodata() {
	local directory
	serve good
	for directory in $(repodata); do
		sed -i 's/<revision>/<revision>1/' "$directory/repomd.xml"
	done
	dnf_refuses "a tampered repomd.xml" 'signature verification error'
	serve good
	for directory in $(repodata); do
		rm "$directory/repomd.xml.asc"
	done
	dnf_refuses "no signature" 'signature|repomd.xml.asc|404'
	serve good
	for directory in $(repodata); do
		damage "$(echo "$directory"/*-primary.xml.gz)" 50
	done
	dnf_refuses "a tampered index" 'checksum|No more mirrors|Cannot download'
}

# The key that users have stays what it is.
attack_key() {
	serve other-key
	cp "$work/trees/good/sqs-entropy.asc" "$work/tmp/served/"
	dnf_refuses "another key" 'signature verification error'
	dnf_refuses "packages of another key" 'GPG check FAILED' \
		--setopt=sqs-entropy.repo_gpgcheck=0
}

check_yum() {
	provider_repo
	serve good
	dnf_by_the_readme
	attack_rpms
	attack_repodata
	attack_key
	serve good
	forget_dnf
	must "dnf: installing after all that" dnf_in -y install \
		sqs-entropy-agent
}
