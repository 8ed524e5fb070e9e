#!/bin/bash
# A repeat with the same key gives the first answer and changes nothing, for seven days of business time, also line by line in a batch.
. "$(dirname "$0")/../lib.sh"
test_begin
printf '2026-03-02T00:30:00Z\n' >"$DIR/clock"
server_init && server_start --clock "$DIR/clock" && login admin
sessions_never_end

exits "add with a key" 0 as admin customer add name=杭州长河 phone=0571-88880000 --idempotency-key K1 -o json
FIRST=$OUT
exits "again" 0 as admin customer add name=杭州长河 phone=0571-88880000 --idempotency-key K1 -o json
is "gives the same answer" "$OUT" "$FIRST"
is "and one record" "$(as admin customer count)" 1
exits "another request with that key" 5 as admin customer add name=另一家 phone=0571-88880001 --idempotency-key K1
for n in 1 2 3 4 5; do
	printf '{"op":"add","entity":"customer","set":{"name":"公司%s","phone":"%s"},"idempotency_key":"line%s"}\n' $n "$([ $n = 3 ] && echo x || echo 0571-700000$n)" $n
done >"$DIR/batch"
exits "a batch with a bad line" 11 as admin batch "$DIR/batch"
FIRST_BATCH=$OUT
is "answers in order" "$(jq -c '[.line, .status]' <<<"$OUT" | tr '\n' ' ')" '[1,"ok"] [2,"ok"] [3,"invalid"] [4,"ok"] [5,"ok"] '
exits "the same batch again" 11 as admin batch "$DIR/batch"
is "has the same answers" "$OUT" "$FIRST_BATCH"
is "and adds nothing" "$(as admin customer count)" 5
sed -i '3s/"x"/"0571-7000003"/' "$DIR/batch"
exits "with the line corrected" 0 as admin batch "$DIR/batch"
is "only that one is added" "$(as admin customer count)" 6
server_kill
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
exits "after a crash" 0 as admin customer add name=杭州长河 phone=0571-88880000 --idempotency-key K1 -o json
is "the same answer" "$OUT" "$FIRST"
set_clock 2026-03-09T00:29:00Z
exits "a minute before seven days have passed" 0 as admin customer add name=杭州长河 phone=0571-88880000 --idempotency-key K1 -o json
is "still" "$OUT" "$FIRST"
set_clock 2026-03-09T00:31:00Z
exits "after seven days the key is new" 7 as admin customer add name=杭州长河 phone=0571-88880000 --idempotency-key K1
as admin customer list --all -o jsonl 2>"$DIR/quiet" | head -n 1 >"$DIR/one"
is "a list into a pipe that is closed ends quietly" "$(wc -l <"$DIR/one") $(wc -c <"$DIR/quiet")" "1 0"
server_stop
test_end
