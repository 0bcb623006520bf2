# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A new key for the tree, by the README's three steps; sourced by
# tests/packages/repo_cache.  trees/step-0 has the old key, trees/step-3 the new.

make_steps() {
	local step=0 old new use now
	now=$(date +%s)
	rm -rf "$trees/published"
	own_keyring
	for use in old new; do
		must "a key" gpg --batch --quiet --passphrase '' \
			--quick-generate-key "$use" rsa2048 sign never
	done
	mapfile -t use < <(gpg --batch --quiet --with-colons --list-keys |
		awk -F: '$1 == "fpr" { print $10 }')
	old=${use[0]} new=${use[1]}
	for use in "$old" "$old $new" "$new $old" "$new"; do
		tree "step-$step" 1.0-1 REPO_KEY="$use" \
			SOURCE_DATE_EPOCH=$((now - 3600 * (9 - step)))
		step=$((step + 1))
	done
	drop_keyring
}

# at_step STEP [NEXT CLASS...]: what is served
at_step() {
	between "step-$1" "step-${2:-$1}"
	old=${*:3}
	printf '%s\n' "$old" >"$state"
}

# Who set up apt at one step, at every other.
apt_steps() {
	local root=$work/root/$1 client step old
	for client in 0 1 3; do
		at_step "$client"
		set_up_apt "$root"
		for step in 0 1 2 3; do
			at_step "$step"
			case $client$step in
			03 | 30) refused "$1: apt of step $client, tree of $step" \
				'NO_PUBKEY|Missing key|not available' \
				within "$root" sh /apt.sh ;;
			*) installs "$1: apt of step $client, tree of $step" \
				1.0-1 within "$root" sh /apt.sh ;;
			esac
		done
	done
}

forget_keys() {
	must "rpm forgets its keys" within "$1" \
		sh -c 'rpm -qa "gpg-pubkey*" | xargs -r rpm -e'
	rm -rf "$1"/var/cache/*dnf*
}

# dnf fetches keys by itself: who set it up at the first step comes to the last.
dnf_steps() {
	local root=$work/root/$1 step old
	forget_keys "$root"
	at_step 0
	set_up_dnf "$root"
	for step in 0 1 2 3; do
		at_step "$step"
		installs "$1: dnf of step 0, tree of $step" 1.0-1 \
			within "$root" sh /dnf.sh later
	done
}

# A new machine, with a cache that has some files of the step before.
mixed_steps() {
	local root=$work/root/$1 step old classes
	for step in 0 1 2; do
		while IFS= read -r classes; do
			# shellcheck disable=SC2086 # words
			at_step "$step" $((step + 1)) $classes
			set_up_apt "$root"
			installs "$1: apt, step $step and the next" 1.0-1 \
				within "$root" sh /apt.sh
			forget_keys "$root"
			set_up_dnf "$root"
			installs "$1: dnf, step $step and the next" 1.0-1 \
				within "$root" sh /dnf.sh
		done < <(subsets top InRelease,mirrorlist | tr , ' ')
	done
}

try_rotation() {
	apt_steps "$1"
	dnf_steps "$1"
	mixed_steps "$1"
	say "$1: a new key, by three steps and in every mixture of two"
}
