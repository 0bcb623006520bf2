# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The keys of the tree, sourced by build.  The first signs what has room for one
# signature, which are rpms and their indexes; all sign apt's.

keys=()
home=

# GnuPG's sockets want a short path; the key itself is kept.
test_key() {
	local kept=build/repo-key/secret.asc
	home=$(mktemp -d)
	export GNUPGHOME=$home
	if [ ! -e "$kept" ]; then
		mkdir -p build/repo-key
		gpg --batch --quiet --passphrase '' --quick-generate-key \
			"sqs-entropy, a key for tests" rsa3072 sign never
		(
			umask 077
			gpg --batch --armor --export-secret-keys >"$kept.part"
		)
		mv "$kept.part" "$kept"
	else
		gpg --batch --quiet --import "$kept"
	fi
	mapfile -t keys < <(gpg --batch --quiet --with-colons --list-secret-keys |
		fingerprints)
	notice
}

forget_test_key() {
	[ -n "$home" ] || return 0
	gpgconf --homedir "$home" --kill all || :
	rm -rf "$home"
}

notice() {
	cat >&2 <<-'END'
	repo: *************************************************************
	repo: *  Signed with a key for tests, made here and unprotected.  *
	repo: *  NOT FOR PUBLICATION: say REPO_KEY=FINGERPRINT for that.  *
	repo: *************************************************************
	END
}

# Those of the primary keys in a listing with colons.
fingerprints() {
	awk -F: '$1 ~ /^(pub|sec)$/ { wanted = 1 }
		$1 == "fpr" && wanted { print $10; wanted = 0 }'
}

# EL9's rpm 4.16 has no other public key algorithm than RSA that its policy
# allows, and believes no SHA-1, not even that of a key's signature of itself.
judge_kind() {
	local listed digests
	listed=$(gpg --batch --quiet --with-colons --list-keys "$1" |
		awk -F: '$1 ~ /^(pub|sub)$/ { print $2, $4, $3 }')
	! grep -q '^[er]' <<<"$listed" ||
		die 65 "REPO_KEY=$1: it or a subkey has expired or is revoked"
	awk '$2 != 1 || $3 < 2048 { exit 1 }' <<<"$listed" ||
		die 65 "REPO_KEY=$1: the rpm of EL9 refuses keys and subkeys \
other than RSA of 2048 bits or more: make one with \
gpg --quick-generate-key \"NAME <ADDRESS>\" rsa4096 sign never"
	digests=$(gpg --batch --export --export-options export-minimal "$1" |
		gpg --batch --list-packets |
		sed -n 's/^\tdigest algo \([0-9]*\),.*/\1/p')
	! grep -qvx '8\|9\|10' <<<"$digests" ||
		die 65 "REPO_KEY=$1: signed by itself with SHA-1 or older, \
which the rpm of EL9 refuses: sign it anew with \
gpg --cert-digest-algo SHA512 --quick-set-expire $1 5y, and its subkeys with \
the same and '*' behind"
}

is_among() {
	local other
	for other in "${@:2}"; do
		[ "$1" != "$other" ] || return 0
	done
	return 1
}

# Whoever got the last tree's keys, by whatever cache, must be able to check
# this one's rpms, and whoever gets this tree's keys those of the last.
judge_rotation() {
	local -a before
	[ -n "$previous" ] || return 0
	mapfile -t before < <(gpg --batch --with-colons --show-keys \
		"$out/sqs-entropy.asc" | fingerprints)
	! { is_among "${keys[0]}" "${before[@]}" &&
		is_among "${before[0]}" "${keys[@]}"; } || return 0
	die 65 "REPO_KEY=${keys[*]}: $out is signed by ${before[*]}. A key is \
replaced in three steps, REPO_KEY=\"OLD NEW\", \"NEW OLD\" and NEW, each when \
caches have the one before; where OLD is lost, start with a new tree"
}

choose_keys() {
	local key
	if [ -z "${REPO_KEY:-}" ]; then
		test_key
	else
		read -ra keys <<<"${REPO_KEY^^}"
		[ ${#keys[@]} -le 2 ] || die 64 "REPO_KEY: two keys at most"
	fi
	for key in "${keys[@]}"; do
		[[ $key =~ ^[0-9A-F]{40}$ ]] || die 64 "REPO_KEY=$REPO_KEY: \
give the key's fingerprint, 40 hex digits"
		gpg --batch --list-secret-keys "$key" >/dev/null 2>&1 ||
			die 69 "REPO_KEY=$key: GnuPG has no such secret key here"
		judge_kind "$key"
	done
	judge_rotation
}

# rpm reads the first key of an armoured block, apt the first block of a file.
export_keys() {
	local key
	for key in "${keys[@]}"; do
		gpg --armor --export --export-options export-minimal "$key"
	done >"$new/sqs-entropy.asc"
	gpg --export --export-options export-minimal "${keys[@]}" \
		>"$new/sqs-entropy.gpg"
}

# sign KEYS ARGUMENT...: KEYS is how many of them
sign() {
	local -a users=()
	local key
	for key in "${keys[@]:0:$1}"; do
		users+=(--local-user "$key")
	done
	gpg --quiet --yes "${users[@]}" --digest-algo SHA256 "${@:2}"
}
