# What every end-to-end test stands on: a private folder, a private server on port 0, TAP lines.
# Usage: . "$(dirname "$0")/../lib.sh"; test_begin; ...; test_end
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${BIN:-$ROOT/build/bin}
export LC_ALL=C.UTF-8 GUANXI_LANG=en NO_COLOR=1
unset GUANXI_SERVER GUANXI_PROFILE GUANXI_TOKEN_FILE
PASSED=0 FAILED=0 SERVER=

test_begin() {
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/guanxi-test.XXXXXX")
	trap test_cleanup EXIT
	printf 'correct horse battery\n' >"$DIR/pw"
}

test_cleanup() {
	local jobs
	jobs=$(jobs -p)
	[ -n "$SERVER" ] && kill -9 "$SERVER" 2>/dev/null
	[ -n "$jobs" ] && kill $jobs 2>/dev/null
	wait 2>/dev/null
	rm -rf "$DIR"
}

ok() { PASSED=$((PASSED + 1)); printf 'ok - %s\n' "$1"; }
not_ok() {
	FAILED=$((FAILED + 1))
	printf 'not ok - %s\n' "$1"
	shift
	[ $# -gt 0 ] && printf '%s\n' "$@" | sed 's/^/#   /'
	return 0
}

# is NAME GOT WANTED
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:    $2" "wanted: $3"; fi; }
# like NAME GOT REGEX
like() { if printf '%s' "$2" | grep -qE -- "$3"; then ok "$1"; else not_ok "$1" "got: $2" "wanted a match of: $3"; fi; }
unlike() { if printf '%s' "$2" | grep -qE -- "$3"; then not_ok "$1" "got: $2" "wanted no match of: $3"; else ok "$1"; fi; }
# exits NAME CODE COMMAND... : output stays in $OUT and $ERR
exits() {
	local name=$1 want=$2 got
	shift 2
	OUT=$("$@" 2>"$DIR/stderr" </dev/null)
	got=$?
	ERR=$(cat "$DIR/stderr")
	if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "exit $got, wanted $want" "stdout: $OUT" "stderr: $ERR"; fi
}

# wait_for SECONDS COMMAND... : asks until it succeeds; false when the time is over
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -ge $end ] && return 1
		read -rt 0.02 <> <(:) || :
	done
}

server_init() { # makes $DIR/srv with administrator admin
	"$BIN/guanxid" init -D "$DIR/srv" --admin admin --password-file "$DIR/pw" >"$DIR/init.out" 2>"$DIR/init.err" || {
		cat "$DIR/init.out" "$DIR/init.err"
		return 1
	}
}

server_start() { # further arguments go to guanxid run; LISTEN=$ADDRESS server_start comes back where it was
	"$BIN/guanxid" run -D "$DIR/srv" --listen "${LISTEN:-127.0.0.1:0}" "$@" >>"$DIR/server.log" 2>&1 &
	SERVER=$!
	wait_for 30 test -s "$DIR/srv/listen" || {
		printf '# server did not start\n'
		cat "$DIR/server.log"
		return 1
	}
	ADDRESS=$(head -n 1 "$DIR/srv/listen")
}

server_stop() {
	kill -TERM "$SERVER" 2>/dev/null
	wait "$SERVER"
	SERVER_EXIT=$?
	SERVER=
}

server_kill() {
	kill -9 "$SERVER" 2>/dev/null
	wait "$SERVER" 2>/dev/null
	SERVER=
	rm -f "$DIR/srv/listen"
}

# as USER COMMAND... : the client with that user's profile folder
as() {
	local user=$1
	shift
	GUANXI_CONFIG_DIR="$DIR/profile-$user" "$BIN/guanxi" "$@"
}

# as_background USER COMMAND... >OUT 2>ERR : its process is $!
as_background() {
	local user=$1
	shift
	GUANXI_CONFIG_DIR="$DIR/profile-$user" "$BIN/guanxi" "$@" &
}

login() { # login USER [PASSWORD-FILE]
	as "$1" login "$ADDRESS" -u "$1" --password-file "${2:-$DIR/pw}" --ca "$DIR/srv/ca.pem" >/dev/null
}

# user_add USER ROLE BRANCH-CODE : with invite and join, as an administrator does it
user_add() {
	local line
	line=$("$BIN/guanxid" invite -D "$DIR/srv" --user "$1" --role "$2" --branch "$3" 2>"$DIR/invite.err" | grep -o 'guanxi://[^ ]*') || {
		cat "$DIR/invite.err"
		return 1
	}
	as "$1" join "$line" --password-file "$DIR/pw" >/dev/null
}

# Tests that jump days switch the limits of sessions off.
sessions_never_end() {
	as admin setting set session.idle_minutes value=0 >/dev/null 2>&1 && as admin setting set session.max_hours value=0 >/dev/null 2>&1
}

# set_clock RFC3339 : the server's business time (server_start --clock "$DIR/clock")
set_clock() {
	printf '%s\n' "$1" >"$DIR/clock.new"
	mv "$DIR/clock.new" "$DIR/clock"
}

test_end() {
	printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
	[ "$FAILED" -eq 0 ]
}
