# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What packaging/repo/build makes of a tree that is there; sourced by
# tests/packages/repo.

DAY=86400

# generation VERSION DAYS_AGO VARIABLE=VALUE...: the next one of trees/kept, of
# such packages, or with option=--renew of those that it has
generation() {
	stub_packages "$1"
	env REPO_OUT="$work/trees/kept" REPO_URL="$url" REPO_KEY= \
		SOURCE_DATE_EPOCH=$((now - $2 * DAY)) \
		REPO_DEBS="$work/tmp/$1/debs" REPO_RPMS="$work/tmp/$1/rpms" \
		"${@:3}" packaging/repo/build ${option:+"$option"}
}

# bytes TREE
bytes() {
	(cd "$1" && find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2)
}

# unchanged CODE PATTERN ARGUMENT...: generation exits, and the tree stays
unchanged() {
	local status=0
	bytes "$work/trees/kept" >"$work/tmp/before"
	generation "${@:3}" >"$work/tmp/said" 2>&1 || status=$?
	[ "$status" -eq "$1" ] || die "${*:3}: exit code $status"
	grep -q "$2" "$work/tmp/said" || die "${*:3}: does not say why"
	bytes "$work/trees/kept" >"$work/tmp/after"
	same "${*:3}: the tree was changed" "$work/tmp/before" "$work/tmp/after"
}

# kept NAME PATTERN COUNT: so many files are there
kept() {
	local found
	found=$(find "$work/trees/kept" -path "$2" -type f | wc -l)
	[ "$found" -eq "$3" ] || die "$1: $found files $2, not $3"
}

# Every file under every digest that Release has.
check_by_hash() {
	local digest sum file count=0 top=$work/trees/kept/apt/dists/stable
	while read -r digest sum file; do
		[ "$("${digest,,}sum" \
			<"$top/${file%/*}/by-hash/$digest/$sum")" = "$sum  -" ] ||
			die "by-hash/$digest/$sum is not $file"
		count=$((count + 1))
	done < <(awk '/^[^ ]+:$/ { digest = substr($1, 1, length($1) - 1) }
		/^ / { print digest, $1, $3 }' "$top/Release")
	[ "$count" -ge 4 ] || die "Release has $count lines of digests"
}

check_time() {
	must "a tree" generation 2.0-1 200
	check_by_hash
	unchanged 65 'back in time' 2.0-1 200
	unchanged 65 'back in time' 2.0-1 201
	unchanged 64 'after now' 2.0-1 -1
	unchanged 65 'is older than 2.0-1' 1.9-1 100
	unchanged 65 'is older than 2.0-1' 2.0-0 100
	cp -a "$work/tmp/2.0-1" "$work/tmp/2.0-1.kept"
	printf 'x' >>"$work/tmp/2.0-1/debs"/*.deb
	unchanged 65 'other bytes' 2.0-1 100
	rm -r "$work/tmp/2.0-1"
	stub_rpm 2.0-1 "$work/tmp/2.0-1/rpms" 'Url: https://example.org'
	unchanged 65 'other bytes' 2.0-1 100
	rm -r "$work/tmp/2.0-1"
	mv "$work/tmp/2.0-1.kept" "$work/tmp/2.0-1"
	cp -a "$work/trees/kept" "$work/tmp/kept"
	printf 'x' >>"$(find "$work/trees/kept" -path '*/SHA512/*' | head -n 1)"
	unchanged 65 'not what was published' 2.1-1 100
	rm -r "$work/trees/kept"
	mv "$work/tmp/kept" "$work/trees/kept"
	say "no tree goes back in time, or gives a name to other bytes"
}

# Of what was replaced as long ago as a tree is valid, nothing stays.
check_kept() {
	must "another" generation 2.1-1 100
	kept "the last" '*2.0-1*' 2
	option=--renew must "one more, renewed" generation 2.0-1 5
	check_by_hash
	kept "what is old" '*2.0-1*' 0
	kept "the last" '*2.1-1*' 3
	grep -qx "Valid-Until: $(LC_ALL=C date -u -d "@$((now + 85 * DAY))" \
		'+%a, %d %b %Y %H:%M:%S UTC')" \
		"$work/trees/kept/apt/dists/stable/Release" ||
		die "renewed: not valid for 90 days"
	[ "$(find "$work/trees/kept" -name '*2.1-1*.rpm' -exec sha256sum {} + |
		cut -c1-64 | sort -u | wc -l)" -eq 1 ] ||
		die "renewed: the rpm has other bytes"
	must "valid for ever" generation 2.2-1 1 REPO_VALID_DAYS=none
	kept "the last" '*2.1-1*' 3
	! grep -q '^Valid-Until' "$work/trees/kept/apt/dists/stable/Release" ||
		die "REPO_VALID_DAYS=none: there is a last day"
	say "what was replaced stays for a while, and no longer"
}

# mover CODE: a mv that leaves its last argument in $work/tmp/moved, and exits so
# instead of moving an InRelease
mover() {
	mkdir -p "$work/tmp/bin"
	# shellcheck disable=SC2016 # the inner shell's
	printf '#!/bin/sh\nfor to; do :; done\necho "$to" >>%s
case $to in */InRelease) [ %d -eq 0 ] || exit %d ;; esac\nexec %s "$@"\n' \
		"$work/tmp/moved" "$1" "$1" "$(command -v mv)" \
		>"$work/tmp/bin/mv"
	chmod +x "$work/tmp/bin/mv"
}

# The order of writing; and the next run mends what one that was cut off left.
check_order() {
	local path=$work/tmp/bin:$PATH
	mover 1
	! generation 2.3-1 1 "PATH=$path" SOURCE_DATE_EPOCH=$((now - 9000)) \
		>"$work/tmp/said" 2>&1 || die "a run was not cut off"
	kept "the last" '*2.2-1*' 2
	mover 0
	: >"$work/tmp/moved"
	must "the last generation" generation 2.4-1 0 "PATH=$path"
	kept "the last" '*2.2-1*' 2
	check_by_hash
	sed -n "s|^$work/trees/kept/||p" "$work/tmp/moved" |
		awk '{ pointer = /dists/ && !/by-hash/ || /mirrorlist$/ || \
				/sqs-entropy\.[a-z]*$/
			if (pointer) seen++
			else if (seen) { print "after what names it: " $0; bad = 1 } }
			END { exit bad || seen < 7 }' >&2 ||
		die "files are not written before what names them"
	say "files are written before what names them"
}

# The README's commands, with what they do of "aws s3 sync".
check_copy() {
	local bucket=$work/tmp/bucket line count=0
	rm -rf "$work/trees/kept"
	must "a tree" generation 1.0-1 3
	cp -a "$work/trees/kept" "$bucket"
	must "the next" generation 1.1-1 2
	while IFS= read -r line; do
		must "typed: aws $line" \
			eval "tests/packages/bucket_sync $line"
		count=$((count + 1))
		[ "$count" -eq 1 ] || continue
		diff -rq "$work/trees/kept" "$bucket" >"$work/tmp/differ" || :
		! grep 'Only in' "$work/tmp/differ" >&2 ||
			die "the first command leaves out what indexes will name"
		grep -q '/InRelease .* differ$' "$work/tmp/differ" ||
			die "the first command copies indexes"
	done < <(sed -n "s|^    aws s3 sync build/repo s3://BUCKET|\
$work/trees/kept $bucket|p" packaging/repo/README.md)
	[ "$count" -eq 2 ] || die "not two lines for aws"
	diff -r "$work/trees/kept" "$bucket" >&2 || die "it is not the same tree"
	say "copied by the README's two lines, files before what names them"
}

# make_key NAME ARGUMENT...: of gpg, which make it; sets $key
make_key() {
	must "the key $1" gpg --batch --quiet --passphrase '' "${@:2}"
	key=$(gpg --batch --quiet --with-colons --list-secret-keys "=$1" |
		sed -n '/^fpr/{s/[^0-9A-F]//g;p;q}')
}

# refuses_key PATTERN NAME ARGUMENT...
refuses_key() {
	make_key "${@:2}"
	exits 65 "$1" "REPO_KEY=$key"
}

# refuses_subkey PATTERN NAME ARGUMENT...: a good key, with another subkey
refuses_subkey() {
	local key
	make_key "$2" --quick-generate-key "$2" rsa2048 sign never
	must "its subkey" gpg --batch --quiet --passphrase '' "${@:3:1}" \
		--quick-add-key "$key" "${@:4}"
	exits 65 "$1" "REPO_KEY=$key"
}

check_kinds() {
	local key kind make=--quick-generate-key
	for kind in ed25519 nistp256 dsa2048 rsa1024; do
		refuses_key rsa4096 "$kind" $make "$kind" "$kind" sign never
	done
	refuses_key cert-digest-algo sha1 --cert-digest-algo SHA1 \
		$make sha1 rsa2048 sign never
	must "what is advised" gpg --batch --cert-digest-algo SHA512 \
		--quick-set-expire "$key" 5y
	must "a key that was signed anew" \
		generation 1.0-1 2 REPO_KEY="$key" REPO_OUT="$work/tmp/sha512"
	refuses_key expired late --faked-system-time 20200101T000000 \
		$make late rsa2048 sign 1d
	refuses_subkey rsa4096 sub-ed25519 --batch ed25519 sign never
	refuses_subkey cert-digest-algo sub-sha1 --cert-digest-algo=SHA1 \
		rsa2048 encr never
	say "keys that the rpm of EL9 refuses are refused"
}

# A key is replaced in three steps, of which none can be left out.
check_steps() {
	local key old new
	make_key old --quick-generate-key old rsa2048 sign never
	old=$key
	make_key new --quick-generate-key new rsa2048 sign never
	new=$key
	rm -rf "$work/trees/kept"
	must "a tree" generation 1.0-1 9 REPO_KEY="$old"
	unchanged 65 'three steps' 1.0-1 8 REPO_KEY="$new"
	unchanged 65 'three steps' 1.0-1 8 REPO_KEY="$new $old"
	must "the first step" generation 1.0-1 7 REPO_KEY="$old $new"
	unchanged 65 'three steps' 1.0-1 6 REPO_KEY="$new"
	unchanged 64 'two keys' 1.0-1 6 REPO_KEY="$new $old $old"
	must "the second" generation 1.0-1 5 REPO_KEY="$new $old"
	must "the third" generation 1.0-1 4 REPO_KEY="$new"
	unchanged 65 'three steps' 1.0-1 3 REPO_KEY="$old"
	say "no step of a key's replacement can be left out"
}

check_keys() {
	own_keyring
	check_kinds
	check_steps
	drop_keyring
}
