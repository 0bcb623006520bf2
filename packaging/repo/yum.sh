# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The repositories for yum and dnf, sourced by build.  repomd.xml and its
# signature are two files, which a cache may have of two generations.  So each
# generation has a directory of its own, and one file, mirrorlist, names it.

# What it was built for, which is in the release: 1.amzn2023, 1.el9, 1.fc42.
distribution() {
	local release
	release=$(rpm -qp --nosignature --qf '%{release}' "$1")
	case $release in
	*.*) printf '%s\n' "${release#*.}" ;;
	*) printf 'debian-for-tests\n' ;;
	esac
}

find_rpms() {
	if [ -n "$renew" ]; then
		listed 'yum/.*\.rpm' | sed "s|^|$out/|"
	elif [ -d "$rpms" ]; then
		find "$rpms" -name 'sqs-entropy*.rpm' ! -name '*.src.rpm' |
			LC_ALL=C sort
	fi
}

content() {
	rpm -qp --nosignature --qf '%{sha256header}' "$1"
}

# What the last generation has already is taken with its signature.
yum_place() {
	local file place known
	find_rpms | while IFS= read -r file; do
		place=yum/$(distribution "$file")/$(rpm -qp --nosignature \
			--qf '%{arch}' "$file")
		known=$out/$place/$previous/${file##*/}
		[ ! -e "$known" ] ||
			[ "$(content "$known")" = "$(content "$file")" ] ||
			die 65 "${file##*/} was published with other bytes: \
give the package a higher release (or remove $out, if nobody has it)"
		[ ! -e "$known" ] || file=$known
		mkdir -p "$new/$place/$generation"
		cp -p "$file" "$new/$place/$generation"
	done
}

# yum_sign FILE: by the first key, unless it is.  rpm says the key's number, or
# that of its subkey, at the end.
yum_sign() {
	local said
	said=$(rpm -qp --nosignature --qf '%{rsaheader:pgpsig}' "$1")
	said=${said##* }
	if [[ $said =~ ^[0-9a-f]{16,}$ ]] &&
		gpg --batch --with-colons --list-keys "${keys[0]}" |
		grep -q "^[ps]ub:.*:${said^^}:"; then
		return
	fi
	rpmsign --define "_gpg_name ${keys[0]}" \
		--define "__gpg $(command -v gpg)" \
		--define '_gpg_digest_algo sha256' --addsign "$1" \
		</dev/null >/dev/null
}

# yum_index DIRECTORY: one architecture of one distribution
yum_index() {
	local file
	for file in "$1"/*.rpm; do
		yum_sign "$file"
	done
	touch -d "@$SOURCE_DATE_EPOCH" "$1"/*.rpm
	createrepo_c --quiet --no-database --checksum sha256 \
		--general-compress-type gz --revision "$SOURCE_DATE_EPOCH" \
		--set-timestamp-to-revision "$1"
	sign 1 --armor --detach-sign -o "$1/repodata/repomd.xml.asc" \
		"$1/repodata/repomd.xml"
}

# yum_mirrors PLACE: dnf takes the second when the first is not there yet
yum_mirrors() {
	local name
	for name in "$generation" $previous; do
		[ ! -d "$new/$1/$name" ] && [ ! -d "$out/$1/$name" ] ||
			printf '%s\n' "$url/$1/$name"
	done
}

# $basearch is dnf's.
yum_repo() {
	cat <<-END
	# Packages of sqs-entropy, for dnf and yum.
	[sqs-entropy]
	name=sqs-entropy
	mirrorlist=$url/yum/$1/\$basearch/mirrorlist
	enabled=1
	gpgcheck=1
	repo_gpgcheck=1
	gpgkey=$url/sqs-entropy.asc
	END
}

yum_tree() {
	local place
	mkdir "$new/yum"
	yum_place
	compgen -G "$new/yum/*" >/dev/null || {
		say "no rpm below $rpms: no repository for yum"
		rmdir "$new/yum"
		return 0
	}
	for place in "$new"/yum/*/*; do
		yum_index "$place/$generation"
		yum_mirrors "${place#"$new/"}" >"$place/mirrorlist"
	done
	for place in "$new"/yum/*; do
		yum_repo "${place##*/}" >"$place/sqs-entropy.repo"
		say "yum: ${place##*/}"
	done
}
