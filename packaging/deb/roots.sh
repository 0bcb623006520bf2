# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Debian roots to build and test in, sourced by cross and tests/packages/deb*.
# They are kept as tar files in build/roots, under a name that says what went
# in; delete them to have newer packages.

ROOTS=build/roots
# Older roots are made anew, with the packages that Debian has by then.
ROOTS_DAYS=${ROOTS_DAYS:-7}

# Run a command in its own namespaces.  When their first process ends, for any
# reason, the kernel ends the others and undoes the mounts.
apart() {
	local -a user=()
	[ "$(id -u)" -eq 0 ] || user=(--user --map-root-user --map-auto)
	setpriv --pdeathsig KILL unshare "${user[@]}" --mount --mount-proc \
		--pid --fork --kill-child=KILL -- "$@"
}

roots_missing() {
	local tool
	for tool in mmdebstrap setpriv unshare flock tar; do
		command -v "$tool" >/dev/null || {
			echo "no $tool here; ./bootstrap packages installs it"
			return
		}
	done
	apart true 2>/dev/null ||
		echo "this user may not make namespaces; run it as root"
}

tar=

# root_tar NAME SUITE OPTION...: sets $tar, made by mmdebstrap if need be
root_tar() {
	local name=$1 suite=$2 key
	shift 2
	key=$(printf '%s\n' "$suite" "${MIRROR-}" "$@" | sha256sum)
	mkdir -p "$ROOTS"
	tar=$ROOTS/$name-${key:0:12}.tar
	find "$ROOTS" -name "$name-*.tar" -mtime "+$ROOTS_DAYS" -delete
	[ ! -e "$tar" ] || return 0
	exec 8>"$ROOTS/$name.lock"
	flock 8
	if [ ! -e "$tar" ]; then
		find "$ROOTS" -name "$name-*.tar" -delete
		printf "roots: making %s, of today's packages\n" "$name" >&2
		bootstrap_root "$name" "$suite" "$@"
	fi
	exec 8>&-
}

# A tar file is there whole or not at all.  mmdebstrap works in a directory with
# a fixed name, which is removed here when an earlier run was interrupted.
bootstrap_root() {
	local name=$1 suite=$2 mode=unshare status=0
	local temporary=$PWD/$ROOTS/part.$name
	shift 2
	[ "$(id -u)" -ne 0 ] || mode=root
	apart rm -rf --one-file-system "$temporary"
	mkdir "$temporary"
	chmod 755 "$temporary"
	TMPDIR=$temporary within "$mode" mmdebstrap --quiet --mode="$mode" \
		--variant=minbase --include=apt --skip=cleanup/apt/lists \
		--aptopt='Acquire::Retries "5"' \
		"$@" "$suite" "$temporary.tar" ${MIRROR:+"$MIRROR"} \
		</dev/null >"$ROOTS/$name.log" 2>&1 || status=$?
	apart rm -rf --one-file-system "$temporary"
	if [ "$status" -ne 0 ]; then
		tail -n 40 "$ROOTS/$name.log" >&2
		return 1
	fi
	mv "$temporary.tar" "$tar"
}

within() {
	local mode=$1
	shift
	if [ "$mode" = root ]; then
		apart "$@"
	else
		"$@"
	fi
}

# ---- from here on inside the namespaces ----

# unpack_root TAR DIRECTORY: devices are bound in later
unpack_root() {
	mkdir -p "$2"
	tar -C "$2" --exclude='./dev/*' --numeric-owner -xpf "$1"
	mkdir -p "$2/dev"
}

# mount_root DIRECTORY: what a machine has there
mount_root() {
	local root=$1 device
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount -o remount,bind,ro "$root/sys"
	mount -t tmpfs -o mode=755 run "$root/run"
	mkdir "$root/run/lock"
	mount -t tmpfs -o mode=755,size=64k dev "$root/dev"
	for device in null zero full random urandom tty; do
		: >"$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	mount -t devpts -o newinstance,mode=620,ptmxmode=666 pts \
		"$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
}

# in_root DIRECTORY COMMAND...: with a machine's environment, not ours
in_root() {
	local root=$1
	shift
	chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive \
		DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-}" "$@" </dev/null
}
