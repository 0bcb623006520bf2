# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Part of tests/packages/deb, sourced by deb-inside: dpkg in containers that boot,
# or have booted, where the units cannot run yet.
# shellcheck disable=SC2154 # shared with deb-inside

# Seconds after which a command is taken for one that waits for ever.
FOREVER=${FOREVER:-240}

# A unit of the machine's own.  unit NAME WANTED_BY LINE...
unit() {
	local wants=$root/etc/systemd/system/$2.wants
	mkdir -p "$wants"
	printf '%s\n' "${@:3}" >"$root/etc/systemd/system/$1"
	ln -sf "../$1" "$wants/$1"
}

# In a container, and without a configuration, the units would be skipped; the
# programs tell that they were started.
stand_in() {
	local name drop_in
	for name in agent producer; do
		drop_in=$root/etc/systemd/system/sqs-entropy-$name.service.d
		mkdir -p "$drop_in"
		printf '%s\n' '[Unit]' ConditionVirtualization= \
			ConditionPathExists= '[Service]' Type=oneshot \
			ReadWritePaths=/result ExecStart= \
			"ExecStart=/bin/sh -c 'echo $name >>/result/ran'" \
			>"$drop_in/test.conf"
	done
}

# boot COMMAND...: a container whose hook.service runs these, writes down their
# exit codes, and lets the boot end, or not; then it is switched off
boot() {
	local command
	mkdir "$root/result"
	for command; do
		printf 'timeout -k 9 %d %s >>/result/log 2>&1 </dev/null\n' \
			"$FOREVER" "$command"
		printf 'echo "$? %s" >>/result/codes\n' "$command"
	done >"$root/result/hook"
	(
		echo 0 >"$cgroup/cgroup.procs"
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
		exec timeout -k 9 1200 systemd-nspawn --quiet --boot \
			--register=no --keep-unit --capability=all \
			--system-call-filter="bpf perf_event_open" \
			--link-journal=no --resolv-conf=off --timezone=off \
			--console=pipe --bind-ro="$mem/repos:/mnt" \
			--directory="$root"
	) >"$mem/log" 2>&1 </dev/null || fail "the container did not end"
	cat "$root/result/log" >>"$mem/log" || fail "the hook did not run"
	for command; do
		echo "0 $command"
	done | diff - "$root/result/codes" ||
		fail "exit codes (right); 124 is that of a wait for ever"
}

# ran NAME...: these were started, as often as they are named
ran() {
	touch "$root/result/ran"
	diff <(printf '%s\n' "$@" | sed '/^$/d') \
		<(sort "$root/result/ran") ||
		fail "other services were started (right)"
}

# to_boot [DEB...]: $root is a machine that is to boot, with these installed
to_boot() {
	layer "$scenario" "$CLOUD"
	[ $# -eq 0 ] || run dpkg -i "$@"
	touch "$root/etc/cloud/cloud-init.disabled"
	ln -sf /lib/systemd/system/multi-user.target \
		"$root/etc/systemd/system/default.target"
	again_as overlay
}

# again_as layer|overlay: what is mounted there
again_as() {
	done_layer
	"$1" "$scenario" "$CLOUD"
}

# As cloud-init runs a boot hook: network-online.target comes after it.
hook_in_boot() {
	unit hook.service multi-user.target '[Unit]' \
		Before=network-online.target '[Service]' Type=oneshot \
		TimeoutStartSec=infinity "ExecStart=/bin/sh /result/hook"
	unit end.service multi-user.target '[Unit]' After=hook.service \
		'[Service]' "ExecStart=/bin/sh -c 'systemctl --wait \
is-system-running >/result/state; systemctl poweroff -ff'"
}

hook_after_boot() {
	unit hook.service multi-user.target '[Unit]' After=multi-user.target \
		'[Service]' Type=oneshot TimeoutStartSec=infinity \
		"ExecStart=/bin/sh /result/hook" \
		"ExecStopPost=systemctl poweroff -ff"
}

# What never ends, as where the clock cannot be set and no network comes up.
never() {
	unit "never-$1.service" "$2" '[Unit]' DefaultDependencies=no \
		"Wants=$1.target" "Before=$1.target" '[Service]' Type=oneshot \
		TimeoutStartSec=infinity "ExecStart=sleep infinity"
}

# ---- what is tried

# True where containers can be had; sets $cgroup.
containers() {
	local top
	top=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)
	if [ -z "$top" ] || ! command -v systemd-nspawn >/dev/null; then
		echo "  left out: no cgroup2 or systemd-nspawn here"
		return 1
	fi
	cgroup=$top/$CONTAINERS
	mkdir -p "$cgroup"
}

scenario_boot_install() {
	to_boot
	stand_in
	hook_in_boot
	boot "dpkg -i ${first[*]}"
	ran agent producer
	again_as layer
	installed_agent
	installed_producer
}

# The jobs of the boot wait when the package is replaced, and when it goes.
scenario_boot_upgrade() {
	to_boot "${first[@]}"
	stand_in
	hook_in_boot
	boot "dpkg -i ${next[*]}"
	ran agent producer
	again_as layer
	version_is sqs-entropy-agent "$(packaging/version)-2"
	version_is sqs-entropy-producer "$(packaging/version)-2"
	installed_agent
	installed_producer
}

scenario_boot_purge() {
	to_boot "${first[@]}"
	stand_in
	hook_in_boot
	boot "dpkg -P sqs-entropy-agent sqs-entropy-producer"
	ran
	again_as layer
	absent /usr/sbin/sqs-entropy-agent /usr/sbin/sqs-entropy-producer \
		/etc/sqs-entropy
}

# The boot is over, but the units never come to run.  Who restarts ssh, which the
# agent comes before, waits for as long as the agent's unit says, a short time here.
scenario_boot_never() {
	local limit='/^JobTimeoutSec=/s/=.*/=5/'
	to_boot
	stand_in
	hook_after_boot
	never time-sync sysinit.target
	never network-online network-online.target
	unit ssh.service multi-user.target '[Service]' \
		"ExecStart=sleep infinity"
	boot "dpkg -i ${first[*]}" "dpkg -i ${next[*]}" \
		"sed -i $limit /lib/systemd/system/sqs-entropy-agent.service" \
		"systemctl stop sqs-entropy-agent.service" \
		"systemctl daemon-reload" \
		"systemctl --no-block start sqs-entropy-agent.service" \
		"systemctl restart ssh.service" "systemctl is-active ssh.service" \
		"dpkg -P sqs-entropy-agent sqs-entropy-producer"
	ran
}
