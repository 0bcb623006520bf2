# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Which files are the source; sourced, in the project's directory.

in_git() {
	git -c safe.directory="$PWD" "$@" 2>/dev/null
}

# An unpacked tarball may lie in somebody else's checkout.
is_checkout() {
	local up
	up=$(in_git rev-parse --show-cdup) && [ -z "$up" ]
}

# What git has or would take; all there is where the tree is a tarball's.
list_source() {
	local file
	if is_checkout; then
		in_git ls-files -z --cached --others --exclude-standard
	else
		find . -path ./build -prune -o ! -type d -printf '%P\0'
	fi | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done
}
