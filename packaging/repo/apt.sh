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

# packages ARCHITECTURE: its index
packages() {
	local directory=dists/stable/main/binary-$1
	mkdir -p "$directory"
	archive --arch "$1" packages pool >"$directory/Packages"
	xz -9k "$directory/Packages"
}

# Each file under each digest that Release has of it, so that a client with
# another generation's Release finds what that names.  apt takes the strongest.
by_hash() {
	local digest hash file directory
	awk '/^[^ ]+:$/ { digest = substr($1, 1, length($1) - 1) }
		/^ / { print digest, $1, $3 }' dists/stable/Release |
		while read -r digest hash file; do
			directory=dists/stable/${file%/*}/by-hash/$digest
			mkdir -p "$directory"
			cp "dists/stable/$file" "$directory/$hash"
		done
}

at() {
	LC_ALL=C date -u -d "@$1" '+%a, %d %b %Y %H:%M:%S UTC'
}

release() {
	local -a fields=(Origin=sqs-entropy Label=sqs-entropy Suite=stable
		Codename=stable Components=main Acquire-By-Hash=yes
		"Architectures=$*" "Date=$(at "$SOURCE_DATE_EPOCH")")
	archive "${fields[@]/#/-oAPT::FTPArchive::Release::}" \
		release dists/stable >Release
	# apt-ftparchive would count from now, not from the tree's date.
	[ "$days" = none ] || sed -i "/^Date: /a Valid-Until: $(at \
		$((SOURCE_DATE_EPOCH + days * 86400)))" Release
	mv Release dists/stable/Release
	sign 2 --clearsign -o dists/stable/InRelease dists/stable/Release
	sign 2 --armor --detach-sign -o dists/stable/Release.gpg \
		dists/stable/Release
}

# The keys are in it, so that one file is all that apt needs.
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
	gpg --armor --export --export-options export-minimal "${keys[@]}" |
		sed 's/^$/./; s/^/ /'
}

find_debs() {
	if [ -n "$renew" ]; then
		listed 'apt/pool/.*\.deb' | sed "s|^|$out/|"
	elif [ -d "$debs" ]; then
		find "$debs" -maxdepth 1 -name 'sqs-entropy*.deb'
	fi
}

apt_tree() {
	local pool=$new/apt/pool/main/s/sqs-entropy arch file
	local -a arches
	mkdir -p "$pool"
	find_debs | while IFS= read -r file; do
		cp -p "$file" "$pool"
	done
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
		by_hash
	)
	sources "${arches[@]}" >"$new/sqs-entropy.sources"
	say "apt: ${arches[*]}"
}
