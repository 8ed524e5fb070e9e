#!/bin/bash
# set --where and delete --where are one operation, also when their client does not live to see its end.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

# A bulk change whose client dies: the operation says what it has done, and one undo takes that back.
awk 'BEGIN { print "external_id,name,phone"; for (i = 1; i <= 400; i++) printf "B%d,公司B%d,0571-85%06d\n", i, i, i }' >"$DIR/bulk.csv"
as admin customer import "$DIR/bulk.csv" >/dev/null 2>&1
changed() { as admin customer count 'city = 批量市'; }
some_changed() { [ "$(changed)" -gt 0 ]; }
as_background admin customer set --where 'name ~ 公司B' city=批量市 -y >/dev/null 2>&1
CLIENT=$!
wait_for 60 some_changed
kill -9 "$CLIENT"
wait "$CLIENT" 2>/dev/null
BULK=$(as admin customer history "$(as admin customer list 'city = 批量市' --limit 1 -o id)" -o json | jq '.items[0].operation')
# what the server had received already is done
settled() { HAS=$(changed) && [ "$HAS" = "$(as admin operation show "$BULK" -o json | jq .record_count)" ]; }
wait_for 60 settled || not_ok "the operation counts its changes" "$HAS"
exits "operation show tells of it" 0 as admin operation show "$BULK" -o json
is "what it is" "$(jq -r .kind <<<"$OUT")" set
like "and whether its end is known" "$(jq -r .state <<<"$OUT")" "^(partial|$([ "$(changed)" = 400 ] && echo done))$"
exits "undo takes it back" 0 as admin undo "$BULK"
undone() { [ "$(as admin operation show "$BULK" -o json | jq -r .state)" = undone ]; }
wait_for 60 undone && ok "as a whole" || not_ok "not undone" "$(as admin operation show "$BULK")"
is "no change is left" "$(changed)" 0
exits "one that comes to its end" 0 as admin customer set --where 'name ~ 公司B' city=批量市 -y -o json
DONE=$OUT
is "changes all" "$(jq .changed <<<"$OUT")" 400
is "and is done" "$(as admin operation show "$(jq .operation <<<"$OUT")" -o json | jq -c '[.kind, .record_count, .state]')" '["set",400,"done"]'
jq -c '{op: "record.set", entity: "customer", record: 1, set: {city: "x"}, arg: {operation: (.operation | tostring)}}' <<<"$DONE" >"$DIR/late.jsonl"
as admin batch "$DIR/late.jsonl" >"$DIR/late.out" 2>&1
like "it takes no more changes" "$(cat "$DIR/late.out")" 'operation is finished'
exits "a delete of many" 0 as admin customer delete --where 'name ~ 公司B' -y -o json
is "is done too" "$(as admin operation show "$(jq .operation <<<"$OUT")" -o json | jq -c '[.kind, .record_count, .state]')" '["delete",400,"done"]'

test_end
