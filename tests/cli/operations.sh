#!/bin/bash
# Operations of many transactions: an import that was broken off goes on where it stopped, however it ended.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

# Refused rows go into a pipe that nobody empties: the client stands still in the middle, without any waiting for luck.
rows() { # FROM TO PHONE
	awk -v from="$1" -v to="$2" -v phone="$3" 'BEGIN { for (i = from; i <= to; i++) print "K" i ",公司" i "," (phone ~ /^0/ ? "0571-" 80000000 + i : phone) }'
}
{ echo external_id,name,phone && rows 1 900 0571-88880000 && rows 901 3400 "no phone at all" && rows 3401 3700 0571-88880000; } >"$DIR/big.csv"
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
	is "and counts the whole" "$(jq -c '[.read, .added, .rejected]' <<<"$OUT")" "[3700,1200,2500]"
	like "says so" "$ERR" 'goes on after the [0-9]+ rows'
	is "every row is there once" "$(as admin customer count)" 1200
	is "every refused one is in the file" "$(wc -l <"$DIR/rejects.csv")" 2501
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

sed -i 's/^K/L/' "$DIR/big.csv"
stand_still && ok "another one" || not_ok "no import" "$(cat "$DIR/broken.out")"
server_kill
let_go
wait "$CLIENT" 2>/dev/null
LISTEN=$ADDRESS server_start
went_on
sed -i 's/^L/M/' "$DIR/big.csv"
as admin customer import "$DIR/big.csv" >/dev/null 2>&1
exits "after its end the same file is another import" 11 as admin customer import "$DIR/big.csv" --key external_id --rejects "$DIR/rejects.csv" -o json
is "from its beginning" "$(jq -c '[.read, .added, .rejected]' <<<"$OUT")" "[3700,0,3700]"

{ echo external_id,name,phone && rows 5001 6200 0571-88880000 && rows 5001 5001 0571-88880000; } >"$DIR/twice.csv"
exits "a dry run knows its own rows of long ago" 11 as admin customer import "$DIR/twice.csv" --key external_id --dry-run -o json
is "as refused" "$(jq -c '[.added, .rejected]' <<<"$OUT")" "[1200,1]"
like "by name" "$ERR" 'external_id stands in a row before'
exits "with --on-conflict update" 0 as admin customer import "$DIR/twice.csv" --key external_id --on-conflict update --dry-run -o json
is "as changed" "$(jq -c '[.added, .updated]' <<<"$OUT")" "[1200,1]"
exits "a dry run leaves nothing" 0 as admin customer count 'external_id = K5001'
is "at all" "$OUT" 0

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
