#!/bin/bash
# The commands of guanxid: exit codes, the folder, options, invite, check, backup and restore, with the server running and without.
. "$(dirname "$0")/../lib.sh"
test_begin
D=$BIN/guanxid

exits "no command is a usage error" 2 "$D"
exits "an unknown command too" 2 "$D" frobnicate
exits "an unknown option" 2 "$D" init --frob
exits "an option of another command" 2 "$D" init -D "$DIR/x" --role sales
like "says so" "$ERR" '"role"'
exits "a missing folder" 2 "$D" check
exits "--version" 0 "$D" --version
exits "--help" 0 "$D" --help
exits "options" 0 "$D" options
is "are the sample" "$OUT" "$(cat "$ROOT/deploy/guanxid.conf")"
exits "a short password" 1 bash -c 'printf "short\n" | "$0" init -D "$1/x" --password-file -' "$D" "$DIR"
like "is named" "$ERR" 'password is shorter than 12 characters'
is "and no store is left" "$(ls "$DIR/x" 2>/dev/null)" ""
exits "init without a password file" 0 "$D" init -D "$DIR/random" --admin root
like "prints a password" "$OUT" 'password of root .*: [a-z0-9-]{23}$'
sed -n 's/^password of .*: //p' <<<"$OUT" >"$DIR/random.pw"
like "and the fingerprint" "$OUT" '^fingerprint: [0-9a-f]{64}$'
is "modes" "$(cd "$DIR/random" && stat -c '%a %n' . master.key ca.key server.key store/data.mdb | tr '\n' ' ')" \
	"700 . 400 master.key 600 ca.key 600 server.key 600 store/data.mdb "

server_init
exits "check of a fresh store" 0 "$D" check -D "$DIR/srv"
like "prints a summary" "$OUT" '^sound: 0 damages; [0-9]+ records'
exits "invite without a server" 0 "$D" invite -D "$DIR/srv" --user li --role sales
like "prints a join line" "$OUT" '^guanxi://localhost:7650/\?pin=sha256:[0-9a-f]{64}&code=[A-Z0-9]{16}$'
exits "an unknown role" 1 "$D" invite -D "$DIR/srv" --user zhao --role nosuch
exits "a new user without role" 2 "$D" invite -D "$DIR/srv" --user zhao
exits "a bad configuration" 2 bash -c 'echo "loops = many" >"$1/bad.conf"; exec "$0" run -D "$1/srv" --config "$1/bad.conf"' "$D" "$DIR"
like "is named" "$ERR" 'loops'
exits "a bad address" 78 "$D" run -D "$DIR/srv" --listen nosuch.invalid:1
exits "no folder" 78 "$D" run -D "$DIR/nothing"

server_start
is "the admin socket is the owner's" "$(stat -c %a "$DIR/srv/admin.sock")" 600
exits "a second server" 78 "$D" run -D "$DIR/srv" --listen 127.0.0.1:0
exits "an occupied port" 78 "$D" run -D "$DIR/random" --listen "$ADDRESS"
exits "another role for a user who is there" 2 "$D" invite -D "$DIR/srv" --user li --role admin
exits "invite while it runs" 0 "$D" invite -D "$DIR/srv" --user li
like "names the address" "$OUT" "^guanxi://$ADDRESS/"
exits "join" 0 as li join "$OUT" --password-file "$DIR/pw"
exits "an unknown role is refused by the server" 1 "$D" invite -D "$DIR/srv" --user zhao --role nosuch
login admin
as admin add 杭州长河 phone=0571-88880000 >/dev/null 2>&1
exits "check while it runs" 0 "$D" check -D "$DIR/srv"
exits "backup while it runs" 0 "$D" backup -D "$DIR/srv" "$DIR/backup"
is "is for its owner" "$(stat -c %a "$DIR/backup")" 600
as admin add 成都天府 phone=028-88880000 >/dev/null 2>&1
kill -HUP "$SERVER"
wait_for 60 grep -q event=reload "$DIR/server.log"
exits "after SIGHUP it serves" 0 as admin customer count
exits "renew without names is a usage error" 2 "$D" renew -D "$DIR/srv"
exits "renew" 0 "$D" renew -D "$DIR/srv" --host crm.test
: >"$DIR/server.log"
kill -HUP "$SERVER"
wait_for 60 grep -q event=reload "$DIR/server.log"
exits "clients go on with the new certificate" 0 as admin customer count
like "which has the new name" "$(openssl s_client -connect "$ADDRESS" </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName)" 'DNS:crm\.test'
exits "health" 0 as admin health -o json
unlike "knows the backup" "$(jq -r .last_backup <<<"$OUT")" 'never|null'
server_stop
is "SIGTERM is exit 0" "$SERVER_EXIT" 0
is "the address file is gone" "$(ls "$DIR/srv" | grep -E 'listen|admin.sock' | tr '\n' ' ')" ""

exits "restore without the key" 2 "$D" restore "$DIR/backup" -D "$DIR/new"
exits "restore with a wrong key" 1 "$D" restore "$DIR/backup" -D "$DIR/new" --key-file "$DIR/random/master.key"
exits "restore" 0 "$D" restore "$DIR/backup" -D "$DIR/new" --key-file "$DIR/srv/master.key"
exits "the key is exported" 0 "$D" key export "$DIR/key" -D "$DIR/srv" --password-file "$DIR/pw"
is "for its owner" "$(stat -c %a "$DIR/key")" 600
exits "never over another file" 74 "$D" key export "$DIR/key" -D "$DIR/srv" --password-file "$DIR/pw"
printf 'another passphrase\n' >"$DIR/other-pw"
exits "another passphrase does not open it" 2 "$D" restore "$DIR/backup" -D "$DIR/sealed" --key-file "$DIR/key" --password-file "$DIR/other-pw"
exits "nor does none" 2 "$D" restore "$DIR/backup" -D "$DIR/sealed" --key-file "$DIR/key"
exits "its own does" 0 "$D" restore "$DIR/backup" -D "$DIR/sealed" --key-file "$DIR/key" --password-file "$DIR/pw"
is "and gives the same key" "$(cmp "$DIR/srv/master.key" "$DIR/sealed/master.key" && echo same)" same
exits "into a folder that has a store" 78 "$D" restore "$DIR/backup" -D "$DIR/new" --key-file "$DIR/srv/master.key"
head -c 100000 "$DIR/backup" >"$DIR/cut"
exits "a backup that is cut short" 1 "$D" restore "$DIR/cut" -D "$DIR/cut.d" --key-file "$DIR/srv/master.key"
is "leaves no store" "$(ls "$DIR/cut.d" | grep store)" ""
is "the pin is the old one" "$("$D" fingerprint -D "$DIR/new")" "$("$D" fingerprint -D "$DIR/srv")"
mv "$DIR/srv" "$DIR/old"
mv "$DIR/new" "$DIR/srv"
server_start
exits "the restored server has the old authority" 0 as admin login "$ADDRESS" -u admin --password-file "$DIR/pw" --fingerprint "$("$D" fingerprint -D "$DIR/old")"
is "and has what stood at the backup" "$(as admin customer list -o jsonl | jq -r .name)" 杭州长河
server_stop

# one bit in every page, at many places (not where a page may be empty): what the reader trips over differs, the answer must not
for at in 20 40 700 1500 3000 3141 3500 3672 3924 4095; do
	rm -rf "$DIR/damaged"
	cp -r "$DIR/srv" "$DIR/damaged"
	python3 - "$DIR/damaged/store/data.mdb" $at <<'PY'
import sys
path, at = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
for page in range(2, len(data) // 4096):
    data[page * 4096 + at] ^= 0x42
open(path, "wb").write(data)
PY
	exits "check finds damage at $at" 1 "$D" check -D "$DIR/damaged"
	exits "a store damaged at $at is not served" 75 timeout 20 "$D" run -D "$DIR/damaged" --listen 127.0.0.1:0
	like "one line says so" "$ERR" 'is damaged$|damaged:|damaged store|damaged$'
done

"$D" quickstart -D "$DIR/quick" >"$DIR/quick.out" 2>"$DIR/quick.log" &
SERVER=$!
wait_for 60 grep -q guanxi:// "$DIR/quick.out"
exits "quickstart's line joins" 0 as quick join "$(grep -o "guanxi://[^']*" "$DIR/quick.out")" --password-file "$DIR/pw"
is "as the administrator" "$(as quick whoami -o json | jq -r .username)" admin
server_stop

"$D" run -D "$DIR/random" --listen 127.0.0.1:0 >>"$DIR/server.log" 2>&1 &
SERVER=$!
wait_for 60 test -s "$DIR/random/listen"
ADDRESS=$(head -n 1 "$DIR/random/listen")
exits "the random password logs in" 0 as root login "$ADDRESS" -u root --password-file "$DIR/random.pw" --ca "$DIR/random/ca.pem"
exits "but must be changed first" 9 as root customer count
like "and says so" "$ERR" 'password must be changed'
exits "passwd" 0 as root passwd --old-file "$DIR/random.pw" --new-file "$DIR/pw"
exits "then it goes on" 0 as root customer count
server_stop
test_end
