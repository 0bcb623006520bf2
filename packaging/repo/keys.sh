# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The key of the tree, sourced by build.

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
	key=$(gpg --batch --with-colons --list-secret-keys |
		sed -n '/^fpr/{s/[^0-9A-F]//g;p;q}')
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

choose_key() {
	if [ -z "$key" ]; then
		test_key
		return
	fi
	[[ $key =~ ^[0-9A-Fa-f]{40}$ ]] ||
		die 64 "REPO_KEY=$key: give the key's fingerprint, 40 hex digits"
	gpg --batch --list-secret-keys "$key" >/dev/null 2>&1 ||
		die 69 "REPO_KEY=$key: GnuPG has no such secret key here"
}

sign() {
	gpg --quiet --yes --local-user "$key" --digest-algo SHA256 "$@"
}
