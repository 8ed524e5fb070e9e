#!/bin/bash
# Tags are never reused and never change their type: stored records would be read wrongly. Every field that was
# ever released stands in schema.lock; a line of it that is missing in the tables is a failure, and so is a field without a line.
# usage: schema_lock.sh [SCHEMA_DUMP [LOCK]]
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
dump=${1:-$(dirname "${BIN:-$here/../../build/bin}")/tools/schema_dump}
lock=${2:-$here/schema.lock}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

report() { # NAME LINES
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
		failed=1
	fi
}

if ! "$dump" >"$work/dump"; then
	echo "not ok - schema_dump runs"
	exit 1
fi
sort "$work/dump" >"$work/now"
sort "$lock" >"$work/locked"
report "no field of the lock is gone or changed (retire it with F_RETIRED instead)" "$(comm -13 "$work/now" "$work/locked")"
report "every field stands in the lock (add these lines to schema.lock)" "$(comm -23 "$work/now" "$work/locked")"
exit $failed
