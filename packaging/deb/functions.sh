# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the maintainer scripts of both packages share; debian/rules puts it in the
# place of #FUNCTIONS#.  "dpkg --root=DIRECTORY --force-script-chrootless", which
# --force-all contains, runs them outside of that root, and names it in DPKG_ROOT.

# Nothing of another root runs here, but parts that debhelper adds (13.11 and
# 13.24) would ask this machine's systemd.
[ -z "$DPKG_ROOT" ] || systemctl() { :; }

# True where services can be asked for.
is_running() {
	[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]
}

# ask start|restart UNIT...: those that policy-rc.d allows and the administrator
# has not disabled, as deb-systemd-invoke does it, but without waiting for them:
# a boot hook may run this script, and units that come after
# network-online.target then wait for its end.  Where the clock cannot be set,
# what comes after time-sync.target waits for ever, and dpkg's lock with it.
# Nothing that fails here is a failure of the installation.
ask() {
	verb=$1
	policy=/usr/sbin/policy-rc.d
	shift
	for unit; do
		if [ -x "$policy" ]; then
			"$policy" "$unit" "$verb" </dev/null ||
				[ $? -ne 101 ] || continue
		fi
		systemctl --quiet is-enabled "$unit" 2>/dev/null || {
			[ "$verb" = restart ] &&
				systemctl --quiet is-active "$unit"
		} || continue
		systemctl --quiet --no-block "$verb" "$unit" || true
	done
}

# True if this directory of another root is not one of this machine, where a link
# may have led.
is_inside() {
	top=$(realpath -m "$DPKG_ROOT/")
	case $(realpath -m "$DPKG_ROOT$1") in
	"${top%/}"/*) ;;
	*) return 1 ;;
	esac
}

# remove PATTERN...: files, and directories with what is in them
remove() {
	for pattern; do
		# shellcheck disable=SC2086 # it is expanded here
		! is_inside "${pattern%/*}" || rm -rf "$DPKG_ROOT"$pattern
	done
}

# remove_empty DIRECTORY...: those that have nothing in them
remove_empty() {
	for directory; do
		! is_inside "$directory" ||
			rmdir "$DPKG_ROOT$directory" 2>/dev/null || true
	done
}

# tell_of_key WHAT KEY [DIRECTORY]: true if there is such a private key.  A purge
# leaves it, and the directory: it is no configuration that could be had again,
# because others trust it or need it.
tell_of_key() {
	[ -e "$DPKG_ROOT$2" ] || [ -L "$DPKG_ROOT$2" ] || return 1
	echo "$DPKG_ROOT$2, $1, is kept.  If it is of no more use:" \
		"rm ${3:+-r }$DPKG_ROOT$2${3:+ $DPKG_ROOT$3}"
}
