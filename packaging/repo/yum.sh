# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The repositories for yum and dnf, sourced by build.

# What it was built for, which is in the release: 1.amzn2023, 1.el9, 1.fc42.
distribution() {
	local release
	release=$(rpm -qp --nosignature --qf '%{release}' "$1")
	case $release in
	*.*) printf '%s\n' "${release#*.}" ;;
	*) printf 'debian-for-tests\n' ;;
	esac
}

yum_place() {
	local file place
	find "$rpms" -name 'sqs-entropy*.rpm' ! -name '*.src.rpm' |
		LC_ALL=C sort |
		while IFS= read -r file; do
			place=$new/yum/$(distribution "$file")/$(rpm -qp \
				--nosignature --qf '%{arch}' "$file")
			mkdir -p "$place"
			cp -p "$file" "$place"
		done
}

# yum_index DIRECTORY: one architecture of one distribution
yum_index() {
	rpmsign --define "_gpg_name $key" --define "__gpg $(command -v gpg)" \
		--define '_gpg_digest_algo sha256' --addsign "$1"/*.rpm \
		</dev/null >/dev/null
	touch -d "@$SOURCE_DATE_EPOCH" "$1"/*.rpm
	createrepo_c --quiet --no-database --checksum sha256 \
		--general-compress-type gz --revision "$SOURCE_DATE_EPOCH" \
		--set-timestamp-to-revision "$1"
	sign --armor --detach-sign -o "$1/repodata/repomd.xml.asc" \
		"$1/repodata/repomd.xml"
}

# $basearch is dnf's.
yum_repo() {
	cat <<-END
	# Packages of sqs-entropy, for dnf and yum.
	[sqs-entropy]
	name=sqs-entropy
	baseurl=$url/yum/$1/\$basearch
	enabled=1
	gpgcheck=1
	repo_gpgcheck=1
	gpgkey=$url/sqs-entropy.asc
	END
}

yum_tree() {
	local place
	mkdir "$new/yum"
	[ ! -d "$rpms" ] || yum_place
	compgen -G "$new/yum/*" >/dev/null || {
		say "no rpm below $rpms: no repository for yum"
		rmdir "$new/yum"
		return 0
	}
	for place in "$new"/yum/*/*; do
		yum_index "$place"
	done
	for place in "$new"/yum/*; do
		yum_repo "${place##*/}" >"$place/sqs-entropy.repo"
		say "yum: ${place##*/}"
	done
}
