#!/bin/bash
# Every fuzz target takes its corpus again. BIN: the folder of the programs; the targets stand beside that folder.
set -u
cd "$(dirname "$0")/../.." || exit 2
programs=$(dirname "${BIN:-build/bin}")/fuzz
failed=0
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	if ! "$programs/replay_$name" "tests/fuzz/corpus/$name"; then
		echo "not ok - replay of $name"
		failed=1
	fi
done
exit $failed
