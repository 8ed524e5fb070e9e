#!/bin/sh
# Tags are never reused and never change their type: stored records would be read wrongly. Every field that was
# ever released stands in schema.lock; a line of it that is missing in the tables is a failure.
# usage: schema_lock.sh [SCHEMA_DUMP [LOCK]]; without it the one beside the folder of the programs, BIN
set -eu
dump=${1:-$(dirname "${BIN:-build/bin}")/tools/schema_dump}
lock=${2:-$(dirname "$0")/schema.lock}
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$dump" | sort > "$work/now"
sort "$lock" > "$work/locked"
comm -13 "$work/now" "$work/locked" > "$work/gone"
comm -23 "$work/now" "$work/locked" > "$work/new"
if [ -s "$work/gone" ]; then
	echo "not ok - schema_lock: fields of the lock that are gone or changed (retire a field with F_RETIRED, never take it out):"
	sed 's/^/#   /' "$work/gone"
	exit 1
fi
if [ -s "$work/new" ]; then
	echo "not ok - schema_lock: new fields; add these lines to $lock:"
	sed 's/^/#   /' "$work/new"
	exit 1
fi
echo "ok - schema_lock: $(wc -l < "$work/now") fields stand as locked"
