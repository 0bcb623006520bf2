# SPDX-License-Identifier: Apache-2.0
# Completion of bash for both programs, installed under the name of each.  The
# options are those that the program's own --help lists, which is made from its
# table of options.

# The line of --help with option $2, of program $1
_sqs_entropy_line() {
	"$1" --help 2>/dev/null |
		sed -n "/^  \(-.,\|   \) *$2\( \|\$\)/p; /^  $2, /p" | head -n 1
}

_sqs_entropy() {
	local word=$2 before=$3 value=

	COMPREPLY=()
	if [[ $before == -* && $word != -* ]]; then
		value=$(_sqs_entropy_line "$1" "$before" |
			sed -n 's/^  \(-., \|    \)--[a-z-]* \([^ ]*\).*/\2/p')
	fi
	case $value in
	FILE* | *"|FILE"* | *DEVICE*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	[A-Z]*) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null |
			sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')" -- "$word")
		;;
	esac
}

complete -o filenames -F _sqs_entropy sqs-entropy-agent sqs-entropy-producer
