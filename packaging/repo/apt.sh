# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The repository for apt, sourced by build.

architectures() {
	local file
	for file in "$1"/*.deb; do
		dpkg-deb --field "$file" Architecture
	done | grep -vx all | sort -u
}

# Digests that nobody should rely on are left out.
archive() {
	apt-ftparchive -o APT::FTPArchive::MD5=false \
		-o APT::FTPArchive::SHA1=false "$@"
}

# packages ARCHITECTURE: its index, under its hash too, so that a client
# with the last Release finds what that names while the tree is replaced.
packages() {
	local directory=dists/stable/main/binary-$1 file
	mkdir -p "$directory/by-hash/SHA256"
	archive --arch "$1" packages pool >"$directory/Packages"
	xz -9k "$directory/Packages"
	for file in "$directory"/Packages*; do
		cp "$file" "$directory/by-hash/SHA256/$(sha256sum <"$file" |
			cut -d' ' -f1)"
	done
}

at() {
	date -u -d "@$1" '+%a, %d %b %Y %H:%M:%S UTC'
}

release() {
	local -a fields=(Origin=sqs-entropy Label=sqs-entropy Suite=stable
		Codename=stable Components=main Acquire-By-Hash=yes
		"Architectures=$*" "Date=$(LC_ALL=C at "$SOURCE_DATE_EPOCH")")
	local days=${REPO_VALID_DAYS-}
	archive "${fields[@]/#/-oAPT::FTPArchive::Release::}" \
		release dists/stable >Release
	# apt-ftparchive would count from now, not from the tree's date.
	[ -z "$days" ] || sed -i "/^Date: /a Valid-Until: $(LC_ALL=C at \
		$((SOURCE_DATE_EPOCH + days * 86400)))" Release
	mv Release dists/stable/Release
	sign --clearsign -o dists/stable/InRelease dists/stable/Release
	sign --armor --detach-sign -o dists/stable/Release.gpg \
		dists/stable/Release
}

# The key is in it, so that one file is all that apt needs.
sources() {
	cat <<-END
	# Packages of sqs-entropy, for apt.
	Types: deb
	URIs: $url/apt
	Suites: stable
	Components: main
	Architectures: $*
	Signed-By:
	END
	sed 's/^$/./; s/^/ /' "$new/sqs-entropy.asc"
}

apt_tree() {
	local pool=$new/apt/pool/main/s/sqs-entropy arch
	local -a arches
	mkdir -p "$pool"
	[ ! -d "$debs" ] || find "$debs" -maxdepth 1 \
		-name 'sqs-entropy*.deb' -exec cp -p -t "$pool" {} +
	compgen -G "$pool/*.deb" >/dev/null || {
		say "no deb below $debs: no repository for apt"
		rm -r "$new/apt"
		return 0
	}
	mapfile -t arches < <(architectures "$pool")
	(
		cd "$new/apt" || exit
		for arch in "${arches[@]}"; do
			packages "$arch"
		done
		release "${arches[@]}"
	)
	sources "${arches[@]}" >"$new/sqs-entropy.sources"
	say "apt: ${arches[*]}"
}
