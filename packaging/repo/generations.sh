# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What a tree keeps of those before it, sourced by build.  Each generation is
# named by its date and has a list of its files, generations/DATE.  All but a
# few files have names that no other generation gives to other bytes: so caches
# may hold each of them, and those few, from another generation than the rest.

generation=
previous=

# name_date SECONDS: the order of such names is that of time
name_date() {
	date -u -d "@$1" +%Y%m%dT%H%M%SZ
}

generations() {
	[ ! -d "$out/generations" ] || ls "$out/generations"
}

date_generation() {
	local now
	now=$(date +%s)
	export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$now}
	[[ $SOURCE_DATE_EPOCH =~ ^[0-9]{1,11}$ ]] ||
		die 64 "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH: a number of seconds"
	[ "$SOURCE_DATE_EPOCH" -le "$now" ] || die 64 \
		"SOURCE_DATE_EPOCH is after now: apt would refuse the tree"
	generation=$(name_date "$SOURCE_DATE_EPOCH")
	previous=$(generations | tail -n 1)
	[[ $generation > $previous ]] || die 65 "the tree in $out is dated \
$previous, and another of $generation would go back in time: leave \
SOURCE_DATE_EPOCH away, or look at this machine's clock"
	[ -n "$previous" ] || [ -z "$renew" ] ||
		die 66 "$out has no tree to renew"
	[ -z "$previous" ] || check_published
}

# The files whose bytes change, which name the others.
is_pointer() {
	case $1 in
	*/by-hash/*) return 1 ;;
	apt/dists/* | yum/*/mirrorlist | yum/*/sqs-entropy.repo | \
		sqs-entropy.*) return 0 ;;
	*) return 1 ;;
	esac
}

# listed PATTERN: which files of the last generation have such a name
listed() {
	[ -z "$previous" ] || sed -n "s|^[0-9a-f]*  \($1\)\$|\1|p" \
		"$out/generations/$previous"
}

check_published() {
	local sum file
	while read -r sum file; do
		is_pointer "$file" || printf '%s  %s\n' "$sum" "$file"
	done <"$out/generations/$previous" |
		(cd "$out" && sha256sum --quiet -c -) ||
		die 65 "$out is not what was published: copy it from there"
}

# packages_in DIRECTORY: each package of the names that are read, in its place
packages_in() {
	local file place
	while IFS= read -r file; do
		case $file in
		*.deb)
			# shellcheck disable=SC2016 # dpkg-deb's
			dpkg-deb --show --showformat \
				'apt/${Architecture} ${Package} ${Version}\n' \
				"$1/$file"
			;;
		*.rpm)
			place=${file%/*/*}
			rpm -qp --nosignature --qf \
				"$place %{name} %{version}-%{release}\n" \
				"$1/$file"
			;;
		esac
	done
}

# judge_version PLACE PACKAGE VERSION: of the last generation, by $offered
judge_version() {
	local place package version found=
	while read -r place package version; do
		[ "$place $package" = "$1 $2" ] || continue
		! dpkg --compare-versions "$version" ge "$3" || return 0
		found=$version
	done <<<"$offered"
	if [ -z "$found" ]; then
		say "no longer there: $2 of $1"
		return 0
	fi
	die 65 "$1: $2 $found is older than $3, which $out has: nobody goes \
back to it; publish it with a higher version"
}

judge_versions() {
	local place package version offered
	offered=$(cd "$new" && find . -name '*.[dr][ep][bm]' -printf '%P\n' |
		packages_in .)
	listed '.*\.[dr][ep][bm]' | packages_in "$out" |
		while read -r place package version; do
			judge_version "$place" "$package" "$version"
		done
}

# place FILE: at once, and never over another of that name
place() {
	if [ -e "$out/$1" ] && ! is_pointer "$1"; then
		return
	fi
	mkdir -p "$out/$(dirname "$1")"
	mv -f "$new/$1" "$out/$1"
}

judge_names() {
	local file
	for file; do
		is_pointer "$file" || [ ! -e "$out/$file" ] ||
			cmp -s "$new/$file" "$out/$file" ||
			die 65 "${file##*/} was published with other bytes: \
give the package a higher version (or remove $out, if nobody has it)"
	done
}

# What is named comes before what names it, so that the tree can be served and
# copied meanwhile.
publish() {
	local file
	local -a files
	mapfile -t files < <(cd "$new" && find . -type f -printf '%P\n' |
		LC_ALL=C sort)
	judge_names "${files[@]}"
	mkdir -p "$new/generations"
	(cd "$new" && sha256sum "${files[@]}") >"$new/generations/$generation"
	for file in "${files[@]}"; do
		is_pointer "$file" || place "$file"
	done
	place "generations/$generation"
	for file in "${files[@]}"; do
		! is_pointer "$file" || place "$file"
	done
}

# A generation stays until it was replaced as long ago as a tree is valid.
stale_generations() {
	local cutoff name last=
	[ "$days" != none ] || return 0
	cutoff=$(name_date $((SOURCE_DATE_EPOCH - days * 86400)))
	for name in $(generations); do
		[ -z "$last" ] || [[ $name > $cutoff ]] || printf '%s\n' "$last"
		last=$name
	done
}

prune() {
	local name file
	local -A wanted=()
	for name in $(stale_generations); do
		rm "$out/generations/$name"
	done
	while read -r _ file; do
		wanted[$file]=1
	done < <(cat "$out"/generations/*)
	(cd "$out" && find apt yum -type f 2>/dev/null) |
		while IFS= read -r file; do
			[ -n "${wanted[$file]-}" ] || rm "$out/$file"
		done
	find "$out" -mindepth 1 -type d -empty -delete
}
