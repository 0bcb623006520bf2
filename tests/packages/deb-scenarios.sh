# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Part of tests/packages/deb, sourced by deb-inside: what is tried in roots.
# shellcheck disable=SC2034,SC2154 # shared with deb-inside, read by name

SCENARIOS=${SCENARIOS:-comparison agent producer both bare ways aborted \
links cloud_before cloud_after cloud_removed cloud_broken boot_install boot_upgrade \
boot_purge boot_never}
RUNTIME=/run/cloud-init/cloud.cfg

# Every name with its mode, owner, target and content.  Left out: what is
# mounted there, logs, a lock of adduser's, what apt downloaded, and dpkg's and the users' files
# that are compared in their own ways.  listing [FILE]: contents of what has
# changed since FILE was made
# shellcheck disable=SC2120 # from deb-ways.sh
listing() {
	local -a sums=(sha256sum)
	# shellcheck disable=SC2016 # the inner shell's
	[ $# -eq 0 ] || sums=(sh -c 'exec find "$@" -maxdepth 0 -cnewer "$0" \
		-exec sha256sum {} +' "$1")
	(
		cd "$root" || exit
		find . -regextype posix-extended \( -path './tmp/*' -o \
			-regex './(proc|sys|dev|mnt|srv/image|var/log)' -o \
			-regex './var/(lib|cache)/apt' -o \
			-regex './var/lib/dpkg/(status.*|(.*/)?[lL]ock.*)' -o \
			-regex './(run/adduser|var/cache/ldconfig/aux-cache)' -o \
			-regex './etc/g?(passwd|shadow|group)-?' \) -prune -o \
			-printf '%p\t%y\t%m %U:%G %l\n' >"$mem/unsorted"
		LC_ALL=C sort "$mem/unsorted" >"$mem/names"
		cat "$mem/names"
		awk -F '\t' '$2 == "f" { print $1 }' "$mem/names" |
			xargs -d '\n' "${sums[@]}"
	)
}

# The users' files without our users.
users() {
	(cd "$root/etc" && sed '/^sqs-entropy/d' passwd group shadow gshadow)
}

before() {
	listing >"$mem/$scenario.before"
	users >"$mem/$scenario.users"
}

# as_before [SCENARIO]: as it was there
as_before() {
	listing >"$mem/$scenario.after"
	diff "$mem/${1:-$scenario}.before" "$mem/$scenario.after" ||
		fail "this is not as it was before (left)"
	diff <(cat "$mem/${1:-$scenario}.users") <(users) ||
		fail "other users than ours changed"
}

present() {
	local file
	for file; do
		[ -e "$root$file" ] || [ -L "$root$file" ] || fail "no $file"
	done
}

absent() {
	local file
	for file; do
		if [ -e "$root$file" ] || [ -L "$root$file" ]; then
			fail "there is $file"
		fi
	done
}

# verified PACKAGE...: dpkg finds each file as it was packed
verified() {
	local package said
	for package; do
		said=$(in_root "$root" dpkg --verify "$package") || :
		[ -z "$said" ] || fail "dpkg --verify $package: $said"
		run debsums -s "$package"
	done
}

version_is() {
	local version
	version=$(in_root "$root" dpkg-query -W "$1")
	[ "$version" = "$1"$'\t'"$2" ] || fail "not version $2: $version"
}

installed_agent() {
	run sqs-entropy-agent --version
	present /usr/share/man/man8/sqs-entropy-agent.8.gz \
		/usr/share/doc/sqs-entropy-agent/examples/agent.conf \
		/usr/lib/sysusers.d/sqs-entropy-agent.conf \
		/usr/lib/tmpfiles.d/sqs-entropy-agent.conf \
		/etc/sqs-entropy/trusted.d \
		/lib/udev/rules.d/60-sqs-entropy-agent.rules \
		/etc/systemd/system/multi-user.target.wants/sqs-entropy-agent.service \
		/etc/systemd/system/multi-user.target.wants/sqs-entropy-agent-watch.service \
		/etc/systemd/system/timers.target.wants/sqs-entropy-agent.timer \
		/etc/systemd/system/timers.target.wants/sqs-entropy-agent-retry.timer
	run id sqs-entropy-agent sqs-entropy-agent-net
	absent /etc/sqs-entropy/agent.conf
	verified sqs-entropy-agent
}

installed_producer() {
	run sqs-entropy-producer --version
	present /usr/share/man/man8/sqs-entropy-producer.8.gz \
		/usr/share/doc/sqs-entropy-producer/examples/producer.conf \
		/usr/share/doc/sqs-entropy-producer/examples/sqs-entropy.yaml \
		/usr/lib/sysusers.d/sqs-entropy-producer.conf \
		/lib/udev/rules.d/60-sqs-entropy-producer.rules \
		/etc/sqs-entropy \
		/etc/systemd/system/multi-user.target.wants/sqs-entropy-producer.service
	run id sqs-entropy-producer sqs-entropy-producer-net
	present /usr/lib/tmpfiles.d/sqs-entropy-producer.conf
	absent /etc/sqs-entropy/producer.conf
	verified sqs-entropy-producer
}

# touched PATH...: as a program or an administrator would make them
touched() {
	local file
	for file; do
		mkdir -p "$root${file%/*}"
		echo "${file##*/}" >"$root$file"
	done
}

used_agent() {
	touched /etc/sqs-entropy/agent.conf \
		/etc/sqs-entropy/agent.conf.before-cloud-init \
		/etc/sqs-entropy/.agent.conf.torn /etc/sqs-entropy/seal.key \
		/etc/sqs-entropy/trusted.d/cloud-init-1.pub \
		/etc/sqs-entropy/trusted.d/.cloud-init-1.pub.torn \
		/etc/default/sqs-entropy-agent \
		/var/lib/sqs-entropy/seen /run/sqs-entropy/agent.json
}

used_producer() {
	touched /etc/sqs-entropy/producer.conf /etc/sqs-entropy/signing.key \
		/etc/default/sqs-entropy-producer \
		/var/lib/sqs-entropy-producer/sequence \
		/var/lib/sqs-entropy-producer/.aws/credentials
}

kept_agent() {
	present /etc/sqs-entropy/agent.conf /var/lib/sqs-entropy/seen \
		/etc/sqs-entropy/trusted.d/cloud-init-1.pub \
		/etc/default/sqs-entropy-agent
}

kept_producer() {
	present /etc/sqs-entropy/producer.conf /etc/sqs-entropy/signing.key \
		/var/lib/sqs-entropy-producer/sequence
}

# said_and_kept KIND: a purge has left the private key, said which, and how to
# remove it, which is done now.
said_and_kept() {
	local keys=/etc/sqs-entropy/seal.key
	[ "$1" = agent ] || keys="/etc/sqs-entropy/signing.key \
/var/lib/sqs-entropy-producer"
	# shellcheck disable=SC2086 # one argument a path
	present $keys
	[ "$(grep -c "${keys%% *}.* is kept\..* rm\( -r\)* $keys\$" "$mem/log")" = 1 ] ||
		fail "the purge did not say that $keys stay"
	# shellcheck disable=SC2086
	run rm -r $keys
	run rmdir --ignore-fail-on-non-empty /etc/sqs-entropy
}

moved_agent() { :; }

# A package with one user had them beside the sequence numbers.
moved_producer() {
	local aws=/var/lib/sqs-entropy-producer-net/.aws/credentials owner
	present "$aws"
	absent /var/lib/sqs-entropy-producer/.aws
	owner=$(in_root "$root" stat -c %U:%G "$aws")
	[ "$owner" = sqs-entropy-producer-net:sqs-entropy-producer-net ] ||
		fail "AWS files belong to $owner"
}

# life KIND: from installation to purge, used and configured in between
life() {
	local kind=$1 package=sqs-entropy-$1 name
	before
	apt_get install "$package"
	"installed_$kind"
	name=first_$kind
	asked "${!name}"
	apt_get --reinstall install "$package"
	"installed_$kind"
	name=next_$kind
	asked "${!name}"
	"used_$kind"
	use_repositories debian first next
	apt_get upgrade
	version_is "$package" "$(packaging/version)-2"
	"kept_$kind"
	"moved_$kind"
	verified "$package"
	asked "${!name}"
	apt_get remove "$package"
	name=end_$kind
	asked "${!name}"
	absent "/usr/sbin/$package" "/lib/systemd/system/$package.service"
	"kept_$kind"
	use_repositories debian first
	apt_get purge "$package"
	asked
	said_and_kept "$kind"
	as_before
}

scenario_agent() {
	machine "$NEEDS"
	life agent
}

scenario_producer() {
	machine "$NEEDS"
	life producer
}

# Each leaves the other's things alone, and an administrator's own files.
scenario_both() {
	machine "$NEEDS"
	before
	apt_get install sqs-entropy-agent sqs-entropy-producer
	apt_get purge sqs-entropy-agent
	installed_producer
	apt_get install sqs-entropy-agent
	apt_get purge sqs-entropy-producer
	installed_agent
	apt_get install sqs-entropy-producer
	used_agent
	used_producer
	touched /etc/sqs-entropy/trusted.d/pi.pub
	apt_get purge sqs-entropy-agent
	said_and_kept agent
	kept_producer
	absent /etc/sqs-entropy/agent.conf
	apt_get purge sqs-entropy-producer
	said_and_kept producer
	present /etc/sqs-entropy/trusted.d/pi.pub
	rm -r "$root/etc/sqs-entropy"
	as_before
}

# The dependencies that apt finds are enough.
scenario_bare() {
	machine "$BARE"
	apt_get install sqs-entropy-agent sqs-entropy-producer
	run sqs-entropy-agent --version
	run sqs-entropy-producer --version
	run id sqs-entropy-agent sqs-entropy-agent-net
	run id sqs-entropy-producer sqs-entropy-producer-net
	present /usr/lib/tmpfiles.d/sqs-entropy-producer.conf
}

# booted: what systemd does before cloud-init starts, by the drop-in's own words
booted() {
	local dropin=/usr/lib/systemd/system/cloud-init-local.service.d
	mkdir -p "$root/run/cloud-init"
	run sh -c "$(sed -n 's/^ExecStartPre=-//p' \
		"$root$dropin/sqs-entropy.conf")"
}

# The list that cloud-init will use is its own with two entries more, before
# seed_random and ssh, and the module is found.
listed() {
	booted
	run /usr/bin/python3 -c '
import importlib.util
import yaml
from cloudinit import importer

def names(path):
    found = yaml.safe_load(open(path))["cloud_init_modules"]
    return [m if isinstance(m, str) else m[0] for m in found]

ours = names("'"$RUNTIME"'")
theirs = names("/etc/cloud/cloud.cfg")
assert [name for name in ours if name != "sqs_entropy"] == theirs, (ours, theirs)
for other in "seed_random", "ssh":
    assert ours[ours.index(other) - 1] == "sqs_entropy", ours
where = ["", "cloudinit.config"]
found = importer.find_module("cc_sqs_entropy", where, ["handle"])[0]
assert found == ["cc_sqs_entropy"], found
'
	rm -r "$root/run/cloud-init"
}

scenario_cloud_before() {
	machine "$CLOUD"
	before
	apt_get install sqs-entropy-agent
	installed_agent
	listed
	verified cloud-init
	run /usr/bin/python3 -c 'import cc_sqs_entropy'
	compgen -G "$root/usr/lib/python3/dist-packages/__pycache__/cc_sqs*" \
		>/dev/null || fail "the test made no compiled module"
	use_repositories debian first next
	apt_get upgrade
	version_is sqs-entropy-agent "$(packaging/version)-2"
	listed
	run /usr/bin/python3 -c 'import cc_sqs_entropy'
	booted
	apt_get remove sqs-entropy-agent
	absent "$RUNTIME"
	rmdir "$root/run/cloud-init"
	verified cloud-init
	use_repositories debian first
	apt_get purge sqs-entropy-agent
	as_before
}

# Installed by a boot hook, it is in time for the boot that is under way.
# Without ours the root is what it is with cloud-init alone.
scenario_cloud_after() {
	machine "$NEEDS"
	apt_get install cloud-init
	mkdir "$root/run/cloud-init"
	apt_get install sqs-entropy-agent
	present "$RUNTIME"
	apt_get purge sqs-entropy-agent
	absent "$RUNTIME"
	rmdir "$root/run/cloud-init"
	apt_get purge cloud-init
	apt_get install sqs-entropy-agent
	booted
	absent "$RUNTIME"
	rmdir "$root/run/cloud-init"
	apt_get install cloud-init
	listed
	verified cloud-init sqs-entropy-agent
	apt_get purge sqs-entropy-agent
	as_before cloud_before
}

# cloud-init goes first.
scenario_cloud_removed() {
	machine "$CLOUD"
	apt_get install sqs-entropy-agent
	listed
	apt_get remove cloud-init
	booted
	absent "$RUNTIME"
	rmdir "$root/run/cloud-init"
	verified sqs-entropy-agent
	apt_get purge cloud-init
	apt_get purge sqs-entropy-agent
	absent /etc/cloud
}

# A list that cannot be read stops no installation and drops no module.
scenario_cloud_broken() {
	machine "$CLOUD"
	cp "$root/etc/cloud/cloud.cfg" "$mem/cloud.cfg"
	echo 'cloud_init_modules: [' >>"$root/etc/cloud/cloud.cfg"
	mkdir "$root/run/cloud-init"
	apt_get install sqs-entropy-agent
	absent "$RUNTIME"
	cp "$mem/cloud.cfg" "$root/etc/cloud/cloud.cfg"
	listed
}

# What compares roots sees a stray file, another mode and another byte.
scenario_comparison() {
	local change
	machine "$NEEDS"
	before
	for change in 'touch etc/stray' 'chmod 600 etc/debian_version' \
		'sed -i s/1/2/ etc/debian_version' \
		'ln -sf nowhere etc/localtime'; do
		(cd "$root" && cp -a etc "$mem/etc" && $change)
		if (as_before >/dev/null 2>&1); then
			fail "the comparison missed: $change"
		fi
		rm -rf "${root:?}/etc"
		mv "$mem/etc" "$root/etc"
	done
	as_before
}

step_install() {
	make_recorders
	for scenario in $SCENARIOS; do
		[[ $scenario != boot_* ]] || containers || continue
		"scenario_$scenario"
		done_layer
		printf '  %s: %s\n' "$suite" "$scenario"
	done
}

# Debian's own test of installing, upgrading and purging.
step_piuparts() {
	local name log=$mem/piuparts.log
	scenario=piuparts
	# With what we depend on: that systemd leaves directories is not ours.
	overlay piuparts "$NEEDS"
	for name in debian first; do
		echo "deb [trusted=yes] file:$mem/repos/$name ./"
	done >"$root/etc/apt/sources.list"
	mkdir "$mem/tmp"
	if ! piuparts -d "$suite" -e "$root" --keep-sources-list \
		--bindmount "$mem/repos" --no-eatmydata -t "$mem/tmp" \
		"$mem"/repos/next/*.deb >"$log" 2>&1; then
		grep -A 20 ' ERROR: ' "$log" >&2 || :
		cp "$log" "build/piuparts-$suite.log"
		rm "$mem/log"
		fail "all it said is in build/piuparts-$suite.log"
	fi
	printf '  %s: piuparts\n' "$suite"
}

# The source package's own tests, where it is installed.
step_autopkgtest() {
	local log=$mem/autopkgtest.log
	scenario=autopkgtest
	layer autopkgtest "$CLOUD"
	use_repositories debian first
	dpkg-source -q -x build/deb/*.dsc "$mem/tree" 2>/dev/null
	# It takes its TMPDIR to be there as well.
	mkdir -p "$mem/tmp" "$root$mem/tmp"
	if ! TMPDIR=$mem/tmp autopkgtest -B "$mem/tree/" \
		-- chroot "$root" >"$log" 2>&1; then
		cat "$log" >&2
		fail "autopkgtest"
	fi
	awk -v suite="$suite" '/ summary$/ { at = NR }
		at && NR > at && $2 ~ /PASS|SKIP/ {
			print "  " suite ": " $1 " " $2
		}' "$log" >"$mem/summary"
	sort -u "$mem/summary"
}
