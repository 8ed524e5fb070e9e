#!/bin/bash
# Runs test programs two at a time, shows what failed, and ends with "N passed, N failed".
# A program prints TAP lines (ok ..., not ok ...); one that ends badly without saying so counts as one failure.
# Usage: tests/run.sh LOGS PROGRAM...
set -u
LOGS=$1
shift
rm -rf "$LOGS"
mkdir -p "$LOGS"
export LOGS CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

run_one() {
	local name log start=$SECONDS
	name=$(printf '%s' "$1" | tr '/' '_')
	log=$LOGS/$name
	timeout -k 10 "${TEST_TIMEOUT:-300}" "$1" >"$log" 2>&1 </dev/null
	local code=$?
	echo $code >"$log.code"
	local good bad
	good=$(grep -c '^ok' "$log")
	bad=$(grep -c '^not ok' "$log")
	[ $code -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	[ $code -eq 0 ] && [ "$good" -eq 0 ] && [ "$bad" -eq 0 ] && bad=1 # a program that tests nothing
	printf '%s %s\n' "$good" "$bad" >"$log.count"
	printf '%-44s %4d ok %3d failed %4d s\n' "$1" "$good" "$bad" $((SECONDS - start))
	if [ "$bad" -ne 0 ]; then
		grep -A6 '^not ok' "$log" | head -n 60
		[ $code -ne 0 ] && printf '  exit %d; last lines:\n' $code && tail -n 25 "$log" | sed 's/^/  | /'
	fi
	return 0
}
export -f run_one

printf '%s\0' "$@" | xargs -0 -n 1 -P "${TEST_JOBS:-2}" bash -c 'run_one "$1"' _
awk '{ good += $1; bad += $2 } END { printf "%d passed, %d failed\n", good, bad; exit bad > 0 }' "$LOGS"/*.count
