# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Part of tests/packages/deb, sourced by deb-inside: roots that look like running
# machines, and the ways in which dpkg gets to a root.
# shellcheck disable=SC2154 # shared with deb-inside

# machine LAYERS: a fresh root upon them, that seems to have been booted by
# systemd, and to have udev and a generator; what is asked of both is written down
machine() {
	layer "$scenario" "$1"
	use_repositories debian first
	as_if_booted
}

# record PROGRAM FILE: a shell script in the place of a program of the root
record() {
	[ -e "$root/usr/bin/$1" ] || return 0
	cp "$root/usr/bin/$1" "$root/tmp/$1"
	mount --bind "$mem/record/$2" "$root/usr/bin/$1"
}

as_if_booted() {
	mkdir -p "$root/run/systemd/system" "$root/run/udev"
	: >"$root/tmp/calls"
	: >"$root/dev/hwrng"
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$root/run/udev/control"
	record deb-systemd-invoke all
	record udevadm all
	record systemctl systemctl
}

# systemctl may look at files, but finds no systemd that runs.
make_recorders() {
	mkdir "$mem/record"
	cat >"$mem/record/all" <<-'END'
	#!/bin/sh
	echo "${0##*/} $*" >>/tmp/calls
	[ ! -e /tmp/failing ]
	END
	cat >"$mem/record/systemctl" <<-'END'
	#!/bin/sh
	case " $* " in
	*" is-enabled "* | *" is-active "* | *" preset "*)
		SYSTEMCTL_INSTALL_CLIENT_SIDE=1 exec /tmp/systemctl "$@"
		;;
	*" daemon-reload "*) echo "$*" >>/tmp/reloads ;;
	*) echo "systemctl $*" >>/tmp/calls ;;
	esac
	[ ! -e /tmp/failing ]
	END
	cat >"$mem/record/kill" <<-'END'
	#!/bin/sh
	kill -KILL $PPID
	END
	cat >"$mem/record/never" <<-'END'
	#!/bin/sh
	exit 101
	END
	chmod 755 "$mem"/record/*
}

# asked LINE...: systemd was asked exactly for this since the last time
asked() {
	diff <([ $# -eq 0 ] || printf '%s\n' "$@") "$root/tmp/calls" ||
		fail "systemd was asked for something else (right)"
	: >"$root/tmp/calls"
}

# each PREFIX UNIT...: a line a unit
each() {
	printf "$1 %s\n" "${@:2}"
}

ask="systemctl --quiet --no-block"
agent_units="sqs-entropy-agent.timer sqs-entropy-agent-retry.timer \
sqs-entropy-agent-watch.service sqs-entropy-agent.service"
udev="udevadm control --reload
udevadm trigger --action=change --name-match=/dev/hwrng"
# shellcheck disable=SC2086 # one argument a unit
first_agent=$(each "$ask start" $agent_units)
next_agent=$(each "$ask restart" sqs-entropy-agent.timer \
	sqs-entropy-agent-watch.service)$'\n'"$ask start sqs-entropy-agent-retry.timer"
end_agent="deb-systemd-invoke stop ${agent_units% *} \
sqs-entropy-agent-retry.service sqs-entropy-agent-forked.service \
sqs-entropy-agent-seeded.service ${agent_units##* }"
first_producer="$udev
$ask start sqs-entropy-producer.service"
next_producer="$udev
$ask restart sqs-entropy-producer.service"
end_producer="deb-systemd-invoke stop sqs-entropy-producer.service
$udev"

# ---- the ways

# Each gives the same files and users as the first one, whatever calls systemd may
# get, and a machine that works upon another root stays as it is.
WAYS=${WAYS:-running failing no_proc policy interrupted outside chrootless}
image=/srv/image

dpkg_running() {
	run dpkg "$@"
}

# Without /proc systemd-tmpfiles makes nothing; the boot does it.
make_directories() {
	mount -t proc proc "$root/proc"
	in_root "$root" systemd-tmpfiles --create >"$mem/tmpfiles" 2>&1 ||
		fail "systemd-tmpfiles: $(cat "$mem/tmpfiles")"
}

dpkg_no_proc() {
	umount -l "$root/proc"
	run dpkg "$@"
	make_directories
}

dpkg_policy() {
	dpkg_running "$@"
}

# No service starts or stops.
dpkg_failing() {
	: >"$root/tmp/failing"
	dpkg_running "$@"
}

# A script ends at once where it asks deb-systemd-helper, and dpkg is called again.
dpkg_interrupted() {
	local helper=$root/usr/bin/deb-systemd-helper
	mount --bind "$mem/record/kill" "$helper"
	! in_root "$root" dpkg "$@" >"$mem/log" 2>&1 ||
		fail "nothing was interrupted: dpkg $*"
	umount "$helper"
	run dpkg --configure -a
	[ "$1" = -i ] || run dpkg "$@"
}

# Paths of packages are the machine's.
from_outside() {
	local root=$host
	run dpkg --root="$image" "$@"
}

dpkg_outside() {
	from_outside "$@"
	make_directories
	umount -l "$root/proc"
}

dpkg_chrootless() {
	from_outside --force-script-chrootless "$@"
}

dpkg_all_forces() {
	from_outside --force-all "$@"
}

# everything: of $root that a way may not change, without what stands in there
everything() {
	local programs='usr/bin/(systemctl|udevadm|deb-systemd-invoke)'
	listing "$mem/made" | grep -v -E \
		"(^|  )\\./(run|usr/sbin/policy-rc\\.d|$programs)(/|[[:space:]]|\$)"
	(cd "$root" && find run/sqs-entropy -printf '%p %m %u %g\n') 2>&1 || :
	(
		cd "$root/etc" || exit
		cat passwd group gshadow
		cut -d : -f 1,2,4- shadow
	)
}

# prepare: sets $root, and $host where dpkg runs outside
prepare() {
	host=
	case $way in
	outside | chrootless | all_forces) prepare_host ;;
	*)
		layer "$scenario-$way" "$CLOUD"
		as_if_booted
		;;
	esac
	if [ "$way" = policy ]; then
		: >"$root/usr/sbin/policy-rc.d"
		mount --bind "$mem/record/never" "$root/usr/sbin/policy-rc.d"
	fi
}

# A machine in use, with both packages and a root that is an image to be.
prepare_host() {
	layer "$scenario-$way-host" "$CLOUD"
	as_if_booted
	run dpkg -i "${first[@]}"
	used_agent
	used_producer
	: >"$root/tmp/calls"
	rm -f "$root/tmp/reloads"
	host=$root
	everything >"$mem/host.before"
	mkdir -p "$host$image"
	overlay "$scenario-$way" "$CLOUD"
	mount --bind "$root" "$host$image"
}

# Nothing of the machine was changed, and nothing was asked of it.
same_host() {
	local root=$host
	[ -n "$host" ] || return 0
	everything >"$mem/host.after"
	diff "$mem/host.before" "$mem/host.after" ||
		fail "$way: the machine is not as it was (left)"
	cat "$root/tmp/calls" "$root/tmp/reloads" >"$mem/calls" 2>/dev/null || :
	[ ! -s "$mem/calls" ] ||
		fail "$way: the machine was asked: $(cat "$mem/calls")"
}

# same_as_running STEP CALLS: what dpkg has done now is what it does in a running system
same_as_running() {
	local expected=$2
	case $way in
	outside | chrootless | all_forces) expected= ;;
	policy) expected=$(grep -v -e --no-block <<<"$2") ;;
	esac
	everything >"$mem/way.$way.$1"
	diff "$mem/way.running.$1" "$mem/way.$way.$1" ||
		fail "$way, $1: not as in a running system (left)"
	touch "$root/tmp/calls"
	diff <(sed '/^$/d' <<<"$expected" | sort -u) \
		<(sort -u "$root/tmp/calls") ||
		fail "$way, $1: systemd was asked for something else (right)"
	: >"$root/tmp/calls"
	same_host
}

scenario_ways() {
	local way host
	for way in $WAYS; do
		[ "$way" = "${WAYS%% *}" ] || done_layer
		prepare
		"dpkg_$way" -i "${first[@]}"
		same_as_running installed "$first_agent"$'\n'"$first_producer"
		used_agent
		used_producer
		"dpkg_$way" -i "${next[@]}"
		same_as_running upgraded "$next_agent"$'\n'"$next_producer"
		"dpkg_$way" -P sqs-entropy-agent sqs-entropy-producer
		same_as_running purged "$end_agent"$'\n'"$end_producer"
		[ "$(grep -c '/\(seal\|signing\)\.key, .* is kept' "$mem/log")" -eq 2 ] ||
			fail "$way: the purge did not name the keys that it kept"
		[ -z "$host" ] || umount -R -l "$host"
		printf '  %s: %s: %s\n' "$suite" "$scenario" "$way"
	done
}

# Links of an image that name directories of the machine lead to no harm there.
scenario_links() {
	local way=all_forces host directory
	prepare
	dpkg_all_forces -i "${first[@]}"
	for directory in /etc/sqs-entropy /etc/cloud/cloud.cfg.d /etc/default \
		/var/lib /run; do
		mkdir -p "$root/away"
		[ ! -e "$root$directory" ] ||
			mv "$root$directory" "$root/away/${directory//\//-}"
		[ "$directory" = /var/lib ] || ln -s "$directory" "$root$directory"
	done
	mv "$root/away/-var-lib" "$root/var/lib"
	for directory in sqs-entropy sqs-entropy-producer \
		sqs-entropy-producer-net; do
		rm -rf "$root/var/lib/$directory"
		ln -s "/var/lib/$directory" "$root/var/lib/$directory"
	done
	dpkg_all_forces -i "${next[@]}"
	dpkg_all_forces -P sqs-entropy-agent sqs-entropy-producer
	same_host
	umount -R -l "$host"
}

# A removal that does not happen: the units that were to stop are asked for again.
scenario_aborted() {
	local invoke
	machine "$NEEDS"
	invoke=$root/usr/bin/deb-systemd-invoke
	run dpkg -i "${first[@]}"
	: >"$root/tmp/calls"
	mount --bind "$mem/record/kill" "$invoke"
	! in_root "$root" dpkg -r sqs-entropy-agent sqs-entropy-producer \
		>"$mem/log" 2>&1 || fail "nothing was aborted"
	umount "$invoke"
	# shellcheck disable=SC2086 # one argument a unit
	asked "$(each "$ask start" ${agent_units% *})" "$first_producer"
	installed_agent
	installed_producer
}
