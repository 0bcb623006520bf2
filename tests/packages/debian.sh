# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sources and packages of Debian, from the repositories that this machine takes
# its own packages from; sourced by scripts that set $work, a directory of their
# own, and have die().
# shellcheck disable=SC2154

# list_archives TYPE SUITE: lines of sources.list; of each archive's main part
list_archives() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' | sort -u | grep ' main$' |
		TYPE=$1 SUITE=$2 awk '{
			# Of another suite there is the archive itself.
			if (ENVIRON["SUITE"] != "") {
				if ($2 ~ /-/)
					next
				$2 = ENVIRON["SUITE"]
			}
			print ENVIRON["TYPE"], $1, $2, $3
		}'
}

apt() {
	timeout 300 apt-get -q -o APT::Sandbox::User=root \
		-o Dir::Etc::SourceList="$work/sources.list" \
		-o Dir::Etc::SourceParts=- -o Dir::State::Lists="$work/lists" \
		-o Dir::Etc::TrustedParts=/usr/share/keyrings \
		-o Dir::Cache="$work/cache" "$@" >>"$work/log" 2>&1
}

# use_archives TYPE [SUITE]: deb or deb-src, of this machine's suite or another
use_archives() {
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	list_archives "$1" "${2-}" >"$work/sources.list"
	[ -s "$work/sources.list" ] ||
		die "no Debian repository here to take it from"
	apt update || die "apt-get update failed: $(tail -n 1 "$work/log")"
}

# get_source PACKAGE: its release's tarball, into $work
get_source() {
	(
		cd "$work"
		apt --tar-only --download-only source "$1"
	) || die "no source of $1 in Debian's repositories"
}

# get_package SUITE PACKAGE: into $work
get_package() {
	use_archives deb "$1"
	(
		cd "$work"
		apt download "$2"
	) || die "no $2 in Debian $1"
}
