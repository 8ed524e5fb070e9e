#!/bin/bash
# Operations of many transactions: an import that was broken off goes on where it stopped, however it ended.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

# Refused rows, more than the client has under way at once, go into a pipe that nobody empties: it stands still in the middle, without any
# waiting for luck.
rows() { # FROM TO [PHONE]: K1, K2 ... each with its own phone
	awk -v from="$1" -v to="$2" -v phone="${3:-}" 'BEGIN { for (i = from; i <= to; i++) printf "K%d,公司K%d,%s\n", i, i, phone ? phone : sprintf("0571-81%06d", i) }'
}
{ echo external_id,name,phone && rows 1 900 && rows 901 13400 "no phone at all" && rows 13401 13700; } >"$DIR/big.csv"
nine_hundred() { [ "$(as admin customer count)" = 900 ]; }
stand_still() { # the client's process in $CLIENT; it has imported the first 900
	mkfifo "$DIR/pipe"
	exec 7<>"$DIR/pipe"
	as_background admin customer import "$DIR/big.csv" --rejects "$DIR/pipe" >"$DIR/broken.out" 2>&1 7>&-
	CLIENT=$!
	wait_for 60 nine_hundred
}
let_go() {
	exec 7>&-
	rm -f "$DIR/pipe"
}
went_on() {
	exits "the same command goes on" 11 as admin customer import "$DIR/big.csv" --rejects "$DIR/rejects.csv" -o json
	is "and counts the whole" "$(jq -c '[.read, .added, .rejected]' <<<"$OUT")" "[13700,1200,12500]"
	like "says so" "$ERR" 'goes on after the [0-9]+ rows'
	is "every row is there once" "$(as admin customer count)" 1200
	is "every refused one is in the file" "$(wc -l <"$DIR/rejects.csv")" 12501
	like "with its reason" "$(sed -n 2p "$DIR/rejects.csv")" '^[KL]901,.*phone'
	OPERATION=$(jq .operation <<<"$OUT")
	exits "it is one operation" 0 as admin undo "$OPERATION"
	is "that is undone as a whole" "$(as admin customer count)" 0
}

stand_still && ok "an import stands in its middle" || not_ok "no import" "$(cat "$DIR/broken.out")"
kill -9 "$CLIENT"
wait "$CLIENT" 2>/dev/null
let_go
went_on

sed -i 's/K/L/g; s/-81/-82/' "$DIR/big.csv"
stand_still && ok "another one" || not_ok "no import" "$(cat "$DIR/broken.out")"
server_kill
let_go
wait "$CLIENT" 2>/dev/null
LISTEN=$ADDRESS server_start
went_on
sed -i 's/L/M/g; s/-82/-83/' "$DIR/big.csv"
as admin customer import "$DIR/big.csv" >/dev/null 2>&1
exits "after its end the same file is another import" 11 as admin customer import "$DIR/big.csv" --key external_id --rejects "$DIR/rejects.csv" -o json
is "from its beginning" "$(jq -c '[.read, .added, .rejected]' <<<"$OUT")" "[13700,0,13700]"

{ echo external_id,name,phone && rows 5001 6200 && rows 5001 5001; } >"$DIR/twice.csv"
exits "a dry run knows its own rows of long ago" 11 as admin customer import "$DIR/twice.csv" --key external_id --dry-run -o json
is "as refused" "$(jq -c '[.added, .rejected]' <<<"$OUT")" "[1200,1]"
like "by name" "$ERR" 'external_id stands in a row before'
exits "with --on-conflict update" 0 as admin customer import "$DIR/twice.csv" --key external_id --on-conflict update --dry-run -o json
is "as changed" "$(jq -c '[.added, .updated]' <<<"$OUT")" "[1200,1]"
exits "a dry run leaves nothing" 0 as admin customer count 'external_id = K5001'
is "at all" "$OUT" 0

# A long undo is a job of the server.
awk 'BEGIN { print "external_id,name,phone"; for (i = 1; i <= 700; i++) printf "U%d,公司U%d,0571-84%06d\n", i, i, i }' >"$DIR/many.csv"
as admin customer import "$DIR/many.csv" -o json >"$DIR/many.json" 2>/dev/null
MANY=$(jq .operation "$DIR/many.json")
TIME=$(date -u +%FT%TZ -d '+1 second')
past() { [[ $(date -u +%FT%TZ) > $TIME ]]; }
wait_for 60 past
ALL=$(as admin customer count)
exits "operation show tells of an import" 0 as admin operation show "$MANY" -o json
is "what, how many and how it ended" "$(jq -c '[.kind, .record_count, .state]' <<<"$OUT")" '["import",700,"done"]'
ONE=$(as admin customer list 'external_id = U350' -o jsonl | jq .id)
as admin customer set "$ONE" city=杭州 -o json >/dev/null 2>&1
LATER=$(as admin customer history "$ONE" -o jsonl | head -n 1 | jq .operation)
exits "a long undo with a later change in its middle" 5 as admin undo "$MANY"
like "names the record and the operation" "$ERR" "customer \"$ONE\" changed since, by operation $LATER"
is "and changes nothing" "$(as admin customer count)" "$ALL"
exits "after that change is undone" 0 as admin undo "$LATER"
exits "it goes" 0 as admin undo "$MANY" -o json
is "with all" "$(jq .changed <<<"$OUT") $(as admin customer count)" "700 $((ALL - 700))"
JOB=$(jq .operation <<<"$OUT")
is "and says so" "$(as admin operation show "$JOB" -o json | jq -c '[.kind, .record_count, .state]') $(as admin operation show "$MANY" -o json | jq -c .state)" '["undo",700,"done"] "undone"'
exits "an undo of the undo" 0 as admin undo "$JOB"
is "brings all back" "$(as admin customer count)" "$ALL"
is "and the import is as it was" "$(as admin operation show "$MANY" -o json | jq -c .state)" '"done"'

# As it stood
exits "show --at" 0 as admin customer show "$ONE" --at "$TIME" -o json
is "shows what stood then" "$(jq -c '[.external_id, .city]' <<<"$OUT")" '["U350",null]'
exits "before it was there" 3 as admin customer show "$ONE" --at 2001-01-01
exits "at no time at all" 2 as admin customer show "$ONE" --at soon

# Many to the trash
exits "delete --where --dry-run" 0 as admin customer delete --where 'external_id = U350' --dry-run -o json
is "counts and keeps" "$(jq .changed <<<"$OUT") $(as admin customer count)" "1 $ALL"
exits "delete ID --dry-run" 0 as admin customer delete "$ONE" --dry-run -o json
is "counts too" "$(jq .changed <<<"$OUT") $(as admin customer count)" "1 $ALL"
exits "delete --where asks" 2 as admin customer delete --where 'external_id in (U1, U2, U3)'
exits "and goes with -y" 0 as admin customer delete --where 'external_id in (U1, U2, U3)' -y -o json
is "as one operation" "$(jq .changed <<<"$OUT") $(as admin customer count)" "3 $((ALL - 3))"
exits "that is undone as one" 0 as admin undo "$(jq .operation <<<"$OUT")"
is "wholly" "$(as admin customer count)" "$ALL"

# What is counted counts after an undo too, and after it lay in the trash.
users() { as admin role show "$1" -o json | jq .user_count; }
exits "a user" 0 as admin user add username=gast name=客 roles=support branch=1
is "is counted" "$(users support)" 1
exits "is taken back" 0 as admin undo "$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')" -o json
is "is not" "$(users support)" null
exits "comes again" 0 as admin undo "$(jq .operation <<<"$OUT")"
is "and counts" "$(users support)" 1

# A note names what it is about by kind and id.
ABOUT=$(as admin customer add name=有记事的 phone=0571-80000008 -o json 2>"$DIR/added" | jq .id)
as admin note add record=customer:"$ABOUT" title=记事 >/dev/null 2>&1
exits "what a later note is about does not go" 5 as admin undo "$(grep -o 'undo [0-9]*' "$DIR/added" | grep -o '[0-9]*')"
like "and the note is named" "$ERR" "note \"[0-9]*\" refers to customer \"$ABOUT\""

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
