#!/bin/bash
# No acknowledged change is lost by a power cut, and no state of the disk that one can leave is unsound.
# usage: power_cut.sh [STATES]; the short form is part of the tests, "power_cut.sh 20000" proves more.
set -u
BIN=${BIN:-$(dirname "$0")/../../build/bin}
WRITER=$(dirname "$BIN")/fault/crash_writer
STATES=${1:-100}
HERE=$(dirname "$0")
failed=0

judge() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then echo "ok - $name"; else
		echo "not ok - $name"
		failed=1
	fi
}

judge "$STATES power cuts lose nothing that was acknowledged" \
	python3 "$HERE/crash_states.py" "$WRITER" --states "$STATES"
judge "the test sees it when the disk ignores syncs" \
	python3 "$HERE/crash_states.py" "$WRITER" --states 40 --drop-syncs
exit $failed
