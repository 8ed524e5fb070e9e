#!/bin/bash
# Every exit code that the manual names, each from a command that gives it. A code in the manual without a test here fails.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=cd name=成都 >/dev/null 2>&1
user_add li sales cd
PROFILE=$(dirname "$(find "$DIR/profile-admin" -name key.pem)")
SEEN=" "
code() { # CODE NAME COMMAND...
	local code=$1 name=$2
	shift 2
	SEEN="$SEEN$code "
	exits "$code: $name" "$code" "$@"
}
# instead OP ANSWER COMMAND... : with a server that gives this answer to that operation; its address is added to the command
instead() {
	local op=$1 answer=$2 pid status
	shift 2
	/usr/bin/python3 "$ROOT/tests/interop/proxy.py" "$DIR/srv" "$PROFILE" "$op" "$answer" >"$DIR/proxy" 2>"$DIR/proxy.err" &
	pid=$!
	wait_for 60 test -s "$DIR/proxy" || cat "$DIR/proxy.err" >&2
	as admin -s "$(head -n 1 "$DIR/proxy")" "$@"
	status=$?
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$DIR/proxy"
	return $status
}
# A script's background jobs ignore Ctrl-C: Python starts one that does not.
interrupted() {
	GUANXI_CONFIG_DIR=$DIR/profile-admin /usr/bin/python3 - "$BIN/guanxi" <<'PY'
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
p = subprocess.Popen([sys.argv[1], "batch", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdin.write(b'{"op":"count","entity":"customer"}\n')
p.stdin.flush()
p.stdout.readline()
p.send_signal(signal.SIGINT)
code = p.wait()
sys.exit(128 - code if code < 0 else code)
PY
}
full() { as admin customer list >/dev/full; }

code 0 "a list" as admin customer list
code 2 "an unknown verb" as admin customer eat
code 3 "no such record" as admin customer show 99
code 0 "a customer" as admin customer add name=杭州长河 phone=0571-88880000
code 1 "no room for the output" full
code 4 "a right that is missing" as li branch add code=x name=x
code 0 "a change" as admin customer set 1 phone=0571-88880001
code 5 "changed meanwhile" as admin customer set 1 phone=0571-88880002 --if-version 1
code 6 "a phone that is none" as admin customer add name=乙 phone=x
code 7 "a likely duplicate" as admin customer add name=杭州长河有限公司 phone=0571-1
code 8 "no server" as admin -s 127.0.0.1:1 customer list
code 9 "not logged in" as nobody -s "$ADDRESS" customer list
code 10 "approval pending" instead record.count 10 customer count
printf '%s\n' '{"op":"count","entity":"customer"}' nonsense >"$DIR/batch"
code 11 "a batch of which a line failed" as admin batch "$DIR/batch"
code 12 "busy" instead record.count 12 customer count
code 13 "another fingerprint" as other login "$ADDRESS" -u admin --password-file "$DIR/pw" --fingerprint "$(printf 'a%.0s' {1..64})"
code 14 "storage full" instead record.add 14 customer add name=乙 phone=0571-2222222
code 15 "hung up in a write" instead record.add close customer add name=乙 phone=0571-2222222
code 15 "or in a merge" instead record.merge close customer merge 1 2
code 8 "hung up in a read" instead record.count close customer count
kill -STOP "$SERVER"
code 124 "time-out" as admin --timeout 1 customer count
kill -CONT "$SERVER"
code 130 "Ctrl-C" interrupted

for n in $(sed -n '/^# EXIT STATUS/,/^# FILES/p' "$ROOT/deploy/man/guanxi.1.scd" | grep -oE '(^|[ ,])[0-9]+ [a-z]' | grep -oE '[0-9]+'); do
	[[ $SEEN == *" $n "* ]] && ok "the manual's $n has a test" || not_ok "exit code $n of the manual has no test"
done
server_stop
test_end
