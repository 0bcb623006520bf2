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

choose_keys() {
	local key
	if [ -z "${REPO_KEY:-}" ]; then
		test_key
	else
		read -ra keys <<<"${REPO_KEY^^}"
		[ ${#keys[@]} -eq 1 ] || die 64 "REPO_KEY: one key"
	fi
	for key in "${keys[@]}"; do
		[[ $key =~ ^[0-9A-F]{40}$ ]] || die 64 "REPO_KEY=$REPO_KEY: \
give the key's fingerprint, 40 hex digits"
		gpg --batch --list-secret-keys "$key" >/dev/null 2>&1 ||
			die 69 "REPO_KEY=$key: GnuPG has no such secret key here"
	done
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
