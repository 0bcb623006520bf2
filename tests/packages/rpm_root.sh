# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of rpms and of repositories share; sourced by them, in the
# project's directory, with the test's name.  A test runs "inside" in
# namespaces of its own, where its roots are mounted and its servers run.

test=$1
work=$PWD/build/packages/$test
child=
keyring=

# Nothing is to fail without a word.
set -E
trap 'printf "%s: FAILED at %s, line %s: %s\n" "$test" "${BASH_SOURCE[0]}" \
	"$LINENO" "$BASH_COMMAND" >&2' ERR

say() {
	printf '%s: %s\n' "$test" "$*"
}

die() {
	printf '%s: FAILED: %s\n' "$test" "$*" >&2
	exit 1
}

skip() {
	printf '%s: not run: %s\n' "$test" "$*" >&2
	exit 77
}

# need TOOL...
need() {
	local tool
	for tool in "$@" mmdebstrap setpriv unshare flock; do
		command -v "$tool" >/dev/null ||
			skip "no $tool here: install it"
	done
	[ "$(id -u)" -eq 0 ] || skip "only root can make the roots it needs"
}

# Namespaces of our own: when their first process ends, however it ends, the
# kernel ends the others and undoes the mounts.
apart() {
	local status=0
	setpriv --pdeathsig KILL unshare --mount --mount-proc --net --ipc \
		--pid --fork --kill-child=KILL -- timeout 1800 "$@" &
	child=$!
	wait "$child" || status=$?
	child=
	return "$status"
}

# GnuPG with no keys but those that a test makes; its sockets want a short path.
own_keyring() {
	keyring=$(mktemp -d)
	export GNUPGHOME=$keyring
}

drop_keyring() {
	[ -n "$keyring" ] || return 0
	gpgconf --homedir "$keyring" --kill all || :
	rm -rf "$keyring"
	keyring=
	unset GNUPGHOME
}

clean_up() {
	trap '' HUP INT TERM
	drop_keyring
	if [ -n "$child" ]; then
		kill -KILL "$child" 2>/dev/null || :
		wait "$child" 2>/dev/null || :
	fi
	rm -rf --one-file-system "$work/root" "$work/tmp"
}

# One at a time in this tree; what it made that is not worth keeping goes.
begin() {
	mkdir -p "$work"
	exec 9>"$work.lock"
	flock -n 9 || skip "another one is under way in this tree"
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	rm -rf --one-file-system "$work/root" "$work/tmp"
	mkdir -p "$work/tmp"
}

# make_root PACKAGE...: of this machine's own release, so that what is built
# here runs there, into $work/root.tar, which is kept.
make_root() {
	local suite include
	suite=$(
		# shellcheck disable=SC1091
		. /etc/os-release
		echo "${VERSION_CODENAME-}"
	)
	[ -n "$suite" ] || skip "neither Debian nor Ubuntu here"
	include=$(IFS=, && echo "$*")
	if [ "$(cat "$work/root.of" 2>/dev/null)" = "$suite $include" ]; then
		return
	fi
	say "a minimal $suite root"
	rm -f "$work/root.of"
	TMPDIR=$work/tmp timeout 900 mmdebstrap --quiet --mode=root \
		--variant=minbase --include="$include" "$suite" \
		"$work/tmp/root.tar" ${MIRROR:+"$MIRROR"}
	mv "$work/tmp/root.tar" "$work/root.tar"
	printf '%s\n' "$suite $include" >"$work/root.of"
}

# ---- from here on inside the namespaces ----

# unpack_root DIRECTORY
unpack_root() {
	local device
	mkdir -p "$1"
	tar -C "$1" --exclude='./dev/*' --numeric-owner -xpf "$work/root.tar"
	mount --bind "$1" "$1"
	mount -t proc proc "$1/proc"
	mount -t tmpfs -o mode=755,size=64k dev "$1/dev"
	for device in null zero full random urandom tty; do
		: >"$1/dev/$device"
		mount --bind "/dev/$device" "$1/dev/$device"
	done
	ln -s /proc/self/fd "$1/dev/fd"
}

# within ROOT COMMAND...: with nothing of our environment
within() {
	timeout 300 chroot "$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"
}

# must WHAT COMMAND...: shows what it said when it fails
must() {
	local status=0
	"${@:2}" >"$work/tmp/said" 2>&1 || status=$?
	[ "$status" -ne 0 ] || return 0
	cat "$work/tmp/said" >&2
	die "$1 (exit code $status)"
}

# refused WHAT PATTERN COMMAND...: fails, and says why
refused() {
	if "${@:3}" >"$work/tmp/said" 2>&1; then
		cat "$work/tmp/said" >&2
		die "$1 was not refused"
	fi
	grep -qE -e "$2" "$work/tmp/said" || {
		cat "$work/tmp/said" >&2
		die "$1 was refused for another reason"
	}
	say "refused: $1"
}

# stub NAME FILE_OF_SPEC_LINES [RELEASE [LINE]]: an rpm, into $work/tmp/stubs;
# noarch unless LINE says otherwise
stub() {
	{
		printf '%s\n' "Name: $1" "Version: 1" "Release: ${3:-1}" \
			"Summary: For tests" "License: ISC" \
			"${4-BuildArch: noarch}"
		cat "$2"
	} >"$work/tmp/$1.spec"
	must "the stub $1" rpmbuild --define "_topdir $work/tmp/stubs" \
		--define "_rpmdir $work/tmp/stubs" -bb "$work/tmp/$1.spec"
}

# stub_libraries ROOT: what rpm would have found in the packages of ROOT's
# libraries, had they been rpms.
stub_libraries() {
	{
		find "$1/usr/lib" -regex '.*\.so\(\.[0-9.]+\)?' -type f |
			/usr/lib/rpm/elfdeps --provides | sort -u |
			sed 's/^/Provides: /'
		# glibc's package says the first by itself.
		printf 'Provides: %s\n' 'rtld(GNU_HASH)' systemd /bin/sh
		printf '%s\n' '%description' 'Test.' '%files'
	} >"$work/tmp/libraries"
	stub libraries "$work/tmp/libraries"
}

# same WHAT EXPECTED FOUND (files)
same() {
	diff -u "$2" "$3" >&2 || die "$1"
}
