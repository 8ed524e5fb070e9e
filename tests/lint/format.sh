#!/bin/bash
# Every source is formatted by the repo's .clang-format.
cd "$(dirname "$0")/../.." || exit 1
bad=$(find common server client tests \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 clang-format --dry-run 2>&1 | grep -o '^[^:]*' | sort -u)
if [ -z "$bad" ]; then
	echo "ok - sources are formatted"
else
	printf 'not ok - sources are formatted\n#   %s\n' "$bad"
	exit 1
fi
