#!/bin/bash
# Accounts: no default password, invite and join, wrong passwords answer alike and lock, sessions end.
. "$(dirname "$0")/../lib.sh"
ANSWERS=0
answers() { [ "$(wc -l <"$DIR/answers")" -ge "$1" ]; }

test_begin
server_init
set_clock 2026-11-23T01:00:00Z
server_start --clock "$DIR/clock"

printf 'Admin\n' >"$DIR/bad"
exits "the well-known default password fails" 9 as x login "$ADDRESS" -u Admin --password-file "$DIR/bad" --ca "$DIR/srv/ca.pem"
exits "init refuses a folder that holds a store" 78 "$BIN/guanxid" init -D "$DIR/srv" --admin other --password-file "$DIR/pw"
exits "the administrator logs in" 0 as admin login "$ADDRESS" -u admin --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"
exits "whoami" 0 as admin whoami -o json
is "it names the user" "$(jq -r .username <<<"$OUT")" admin
exits "without a terminal the first contact needs --ca or --fingerprint" 2 as y login "$ADDRESS" -u admin --password-file "$DIR/pw"
PIN=$("$BIN/guanxid" fingerprint -D "$DIR/srv" | grep -oE '[0-9a-f]{64}')
exits "a wrong fingerprint is exit 13" 13 as y login "$ADDRESS" -u admin --password-file "$DIR/pw" --fingerprint "${PIN//[0-7]/9}"
exits "the right fingerprint logs in" 0 as y login "$ADDRESS" -u admin --password-file "$DIR/pw" --fingerprint "$PIN"

as admin branch add code=hz name=杭州 >/dev/null 2>&1
LINE=$("$BIN/guanxid" invite -D "$DIR/srv" --user wang --role sales --branch hz | grep -o 'guanxi://[^ ]*')
like "invite prints a join line with pin and code" "$LINE" "^guanxi://[^/]+/\?pin=sha256:$PIN&code="
exits "a join line with another pin is exit 13" 13 as wang join "${LINE/sha256:????/sha256:0000}" --password-file "$DIR/pw"
exits "join sets the password" 0 as wang join "$LINE" --password-file "$DIR/pw"
exits "the code works once" 9 as li join "$LINE" --password-file "$DIR/pw"
printf 'short\n' >"$DIR/short"
exits "a short password is refused" 6 as wang passwd --old-file "$DIR/pw" --new-file "$DIR/short"
is "the session works after joining" "$(as wang whoami -o json | jq -r .username)" wang

as z login "$ADDRESS" -u nobody --password-file "$DIR/bad" --ca "$DIR/srv/ca.pem" 2>"$DIR/unknown"
as z login "$ADDRESS" -u wang --password-file "$DIR/bad" --ca "$DIR/srv/ca.pem" 2>"$DIR/wrong"
is "an unknown user and a wrong password answer alike" "$(cat "$DIR/unknown")" "$(cat "$DIR/wrong")"
for _ in 1 2 3 4; do as z login "$ADDRESS" -u wang --password-file "$DIR/bad" --ca "$DIR/srv/ca.pem" 2>/dev/null; done
exits "after five wrong passwords the right one fails too" 9 as z login "$ADDRESS" -u wang --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"
is "with the same answer" "$ERR" "$(cat "$DIR/wrong")"
set_clock 2026-11-23T01:16:00Z
exits "fifteen minutes later it works" 0 as z login "$ADDRESS" -u wang --password-file "$DIR/pw" --ca "$DIR/srv/ca.pem"

mkfifo "$DIR/lines"
as wang batch - -o jsonl <"$DIR/lines" >"$DIR/answers" 2>/dev/null &
BATCH=$!
exec 7>"$DIR/lines"
for minutes in 16 36 56 76 96; do
	set_clock "$(date -u -d "2026-11-23T01:00:00Z + $minutes minutes" +%Y-%m-%dT%H:%M:%SZ)"
	printf '{"op": "session.whoami"}\n' >&7
	wait_for 60 answers $((++ANSWERS))
done
exec 7>&-
wait $BATCH
exits "a connection that is used keeps its session from growing idle" 0 as wang whoami
set_clock 2026-11-23T01:16:00Z

printf 'another long password\n' >"$DIR/pw2"
exits "passwords may have to be longer" 0 as admin setting set password.min_length value=40
exits "then" 6 as wang passwd --old-file "$DIR/pw" --new-file "$DIR/pw2"
as admin setting set password.min_length value=12 >/dev/null 2>&1
exits "a wrong old password is exit 9" 9 as wang passwd --old-file "$DIR/bad" --new-file "$DIR/pw2"
exits "passwd" 0 as wang passwd --old-file "$DIR/pw" --new-file "$DIR/pw2"
exits "the user's other sessions have ended" 9 as z whoami
exits "this one goes on" 0 as wang whoami
exits "logout" 0 as wang logout
exits "after it the session is gone" 9 as wang whoami
exits "the new password logs in" 0 as wang login "$ADDRESS" -u wang --password-file "$DIR/pw2"
exits "an administrator closes the account" 0 as admin user set wang state=left
exits "its session has ended" 9 as wang whoami
exits "nobody logs in with it" 9 as wang login "$ADDRESS" -u wang --password-file "$DIR/pw2"
exits "and nobody is invited to it" 5 as admin user invite wang
exits "it is opened again" 0 as admin user set wang state=active
exits "and serves as before" 0 as wang login "$ADDRESS" -u wang --password-file "$DIR/pw2"
set_clock 2026-11-23T02:00:00Z
exits "half an hour idle ends a session" 9 as wang whoami
is "no password stands in a file of the server" "$(grep -rlaF 'correct horse battery' "$DIR/srv" | wc -l)" 0
is "the profile is for its owner alone" "$(find "$DIR/profile-wang" -type f -perm /077 | wc -l)" 0
is "so is the server's folder" "$(stat -c %a "$DIR/srv")" 700
server_stop
is "SIGTERM ends the server with 0" "$SERVER_EXIT" 0
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
