# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Roots and cross builds of foreign architectures, sourced by run and system.
# They are kept in build/arch; delete that to have newer packages.

ARCH_WORK=build/arch
# What the packages and the unit tests link, and what dpkg asks for.
ROOT_PACKAGES=libcurl4,libssl3,libyajl2,libconfuse2,libseccomp2,libcmocka0
ROOT_PACKAGES+=,ca-certificates,systemd-standalone-sysusers,libubsan1
SYSROOT_PACKAGES=libc6-dev,libcurl4-openssl-dev,libssl-dev,libyajl-dev
SYSROOT_PACKAGES+=,libconfuse-dev,libseccomp-dev,libcmocka-dev
triplet=
emulator=
kernel=
FORMATS=/proc/sys/fs/binfmt_misc
arch_child=

say() {
	printf 'arch: %s\n' "$*"
}

skip() {
	printf 'arch: not run: %s\n' "$*" >&2
	exit 77
}

# arch_facts ARCH: sets $triplet, $emulator, $kernel
arch_facts() {
	case $1 in
	arm64)
		triplet=aarch64-linux-gnu emulator=qemu-aarch64
		kernel=linux-image-cloud-arm64
		;;
	armhf)
		triplet=arm-linux-gnueabihf emulator=qemu-arm
		kernel=linux-image-armmp-lpae
		;;
	*) return 1 ;;
	esac
}

# Why this cannot be done here, or nothing.
arch_missing() {
	local tool
	[ "$(id -u)" -eq 0 ] || {
		echo "it needs root, to make namespaces with all ids"
		return
	}
	for tool in mmdebstrap arch-test setpriv unshare flock make pkg-config \
		"$@"; do
		command -v "$tool" >/dev/null || {
			echo "no $tool here"
			return
		}
	done
}

# Only a user namespace has a list of binary formats to itself (Linux 6.7),
# so that this machine's stays as it is; all ids keep their numbers in it.
# When its first process ends, however it ends, the kernel ends the others
# and undoes the mounts.
#
# apart OPTION... -- COMMAND...: unshare(1)'s options
apart() {
	local status=0 gate ours at
	local -a options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ours=$(readlink /proc/self/ns/user)
	exec {gate}<> <(:)
	# In the background, so that a trap need not wait for its end.  Twice
	# setpriv: gaining rights, as the inner shell does, undoes the first.
	# shellcheck disable=SC2016 # the other shell's
	setpriv --pdeathsig KILL unshare --user --mount --pid --fork \
		--kill-child=KILL "${options[@]}" -- "$BASH" -c '
			read -r -u "$1" && eval "exec $1<&-" && shift &&
			mount -t proc proc /proc &&
			exec setpriv --pdeathsig KILL "$@"' \
		bash "$gate" "$@" &
	arch_child=$!
	while at=$(readlink "/proc/$arch_child/ns/user") && [ "$at" = "$ours" ]
	do
		sleep 0.02
	done
	echo "0 0 4294967295" >"/proc/$arch_child/uid_map"
	echo "0 0 4294967295" >"/proc/$arch_child/gid_map"
	echo >&"$gate"
	exec {gate}<&-
	wait "$arch_child" || status=$?
	arch_child=
	return "$status"
}

end_child() {
	[ -n "$arch_child" ] || return 0
	kill -KILL "$arch_child" 2>/dev/null || :
	wait "$arch_child" 2>/dev/null || :
}

# Inside: have the kernel run this architecture's programs by emulation.
register() {
	local format=/usr/lib/binfmt.d/$emulator.conf
	[ ! -e "$FORMATS/$emulator" ] || return 0
	[ -r "$format" ] || {
		echo "no $format: install qemu-user-static" >&2
		return 1
	}
	[ -w "$FORMATS/register" ] ||
		mount -t binfmt_misc binfmt_misc "$FORMATS" || {
		echo "no list of binary formats for a namespace (Linux 6.7);" \
			"enable qemu-user-static's for the whole machine" >&2
		return 1
	}
	cat "$format" >"$FORMATS/register"
}

# Whole or not at all, and anew when the packages named are others.
#
# kept DIRECTORY STAMP COMMAND...: the command makes $1.part
kept() {
	local directory=$1 stamp=$2
	shift 2
	[ "$(cat "$directory.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	rm -rf --one-file-system "$directory" "$directory.part"
	rm -f "$directory.stamp"
	mkdir -p "${directory%/*}"
	if ! "$@" </dev/null >"$directory.log" 2>&1; then
		tail -n 40 "$directory.log" >&2
		return 1
	fi
	mv "$directory.part" "$directory"
	printf '%s\n' "$stamp" >"$directory.stamp"
}

# Mirrors have ports' security updates late and half; these roots live for a
# test, and both of an architecture must hold the same versions.
without_security() {
	mmdebstrap --architectures="$1" --mode=root \
		--setup-hook="sed -i /security/d \"\$1\"/etc/apt/sources.list" \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"${@:2}" "${SUITE:-bookworm}" "$PWD/$directory.part" \
		${MIRROR:+"$MIRROR"}
}

# Its maintainer scripts run, emulated.
bootstrap_root() {
	register
	directory=$2 without_security "$1" --variant=essential \
		--include="$ROOT_PACKAGES"
}

# Absolute links would lead the compiler to this machine's libraries.
relink() {
	local link target
	find "$1" -type l -lname '/*' >"$1.links"
	while IFS= read -r link; do
		target=$(readlink "$link")
		ln -sfn "$(realpath -m --relative-to="${link%/*}" \
			"$1$target")" "$link"
	done <"$1.links"
	rm "$1.links"
}

bootstrap_sysroot() {
	directory=$2 without_security "$1" --variant=extract \
		--include="$SYSROOT_PACKAGES"
	relink "$2.part"
}

# A kernel to boot, and what its tests need beside the root.
bootstrap_kernel() {
	directory=$2 without_security "$1" --variant=extract \
		--dpkgopt='path-exclude=/usr/share/*' \
		--include="$kernel,busybox-static,strace"
}

# arch_roots ARCH: build/arch/ARCH/root to run in, sysroot to compile against
arch_roots() {
	local at=$ARCH_WORK/$1 release=${SUITE:-bookworm}${MIRROR:+ $MIRROR}
	kept "$at/sysroot" "$release $SYSROOT_PACKAGES" \
		bootstrap_sysroot "$1" "$at/sysroot"
	kept "$at/root" "$release $ROOT_PACKAGES" apart -- \
		"$BASH" tests/arch/run --root "$1" "$at/root"
}

# cross ARCH BUILD TARGET...: this tree by make, for another architecture
cross() {
	local sysroot=$PWD/$ARCH_WORK/$1/sysroot
	arch_facts "$1"
	# shellcheck disable=SC2086 # MAKE_WITH is words
	env PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_PATH= \
		PKG_CONFIG_LIBDIR="$sysroot/usr/lib/$triplet/pkgconfig" \
		make --no-print-directory -j"${JOBS:-2}" BUILD="$2" \
		CC="$triplet-gcc --sysroot=$sysroot" AR="$triplet-ar" \
		"${@:3}" ${MAKE_WITH-}
}

arch_build() {
	local at=$ARCH_WORK/$1
	cross "$1" "$at/build" WERROR=-Werror all tests \
		>"$at/make.log" 2>&1 || {
		tail -n 40 "$at/make.log" >&2
		return 1
	}
}

# What to install: the newest package of each program, or nothing.
find_packages() {
	local name file newest
	packages=()
	for name in agent producer; do
		newest=
		for file in build/deb/sqs-entropy-"${name}"_*_"$1".deb; do
			[ ! "$file" -nt "$newest" ] || newest=$file
		done
		[ -z "$newest" ] || packages+=("$newest")
	done
	[ "${#packages[@]}" -eq 2 ] || return 1
	[ -z "$(find agent common producer -newer "${packages[0]}" -print \
		-quit)" ] || say "$1: the packages are older than the tree"
}

# ---- inside the namespaces ----

# A copy in memory, gone with us.
mount_root() {
	local over=$ARCH_WORK/$1/over
	mkdir -p "$over"
	mount -t tmpfs -o mode=755 over "$over"
	# Not an overlay: in a user namespace dpkg cannot rename in there.
	cp -a "$ARCH_WORK/$1/root/." "$over/root"
	root=$PWD/$over/root
	mount -t tmpfs -o mode=1777 tmp /tmp
	# What a test mounts in here is mounted in there.
	mount --make-shared /tmp
	mkdir -p "$root/$PWD"
	mount --rbind "$PWD" "$root/$PWD"
	mount --rbind /proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --rbind /tmp "$root/tmp"
}

in_root() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

install_packages() {
	local at=$ARCH_WORK/$1
	if find_packages "$1"; then
		say "$1: installing ${packages[*]}"
		in_root dpkg -i "${packages[@]/#/$PWD/}" >"$at/dpkg.log" 2>&1 || {
			cat "$at/dpkg.log" >&2
			return 1
		}
	else
		say "$1: no packages in build/deb (make deb-cross ARCH=$1):" \
			"installing what make built"
		cross "$1" "$at/build" PREFIX=/usr DESTDIR="$root" install \
			>"$at/make.log" 2>&1
		in_root systemd-sysusers
	fi
	in_root getent passwd sqs-entropy-{agent,producer}{,-net} >/dev/null || {
		say "$1: the packages made no users" >&2
		return 1
	}
}
