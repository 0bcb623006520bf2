# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Lists the files of the source.  Scripts source it in the project's directory.

in_git() {
	git -c safe.directory="$PWD" "$@" 2>/dev/null
}

# Git may find a checkout above this directory, in which a tarball was unpacked.
is_checkout() {
	local up
	up=$(in_git rev-parse --show-cdup) && [ -z "$up" ]
}

# The files that git tracks or would track; in the tree of a tarball, all files.
list_source() {
	local file
	if is_checkout; then
		in_git ls-files -z --cached --others --exclude-standard
	elif [ -e .git ]; then
		echo "git cannot read this checkout: is git installed?" >&2
		return 1
	else
		find . -path ./build -prune -o ! -type d -printf '%P\0'
	fi | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done
}
