#!/bin/bash
# Deleting, restoring and merging what is too much for one transaction: a job of the server, whole or not at all, taken back as one.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

add() { as admin "$@" -o json | jq .id; }
number() { jq .operation <<<"$OUT"; }
state_of() { as admin operation show "$1" -o json | jq -c '[.kind, .record_count, .state]'; }
BIG=$(add customer add name=大客户 phone=0571-81000000)
CONTACT=$(add contact add customer="$BIG" name=张三 mobile=13800000001)
{ echo external_id,subject,customer,contact && awk -v c="$BIG" -v p="$CONTACT" 'BEGIN { for (i = 1; i <= 600; i++) printf "A%d,拜访%d,%d,%s\n", i, i, c, i % 2 ? p : "" }'; } >"$DIR/activities.csv"
exits "many children" 0 as admin activity import "$DIR/activities.csv"
SISTER=$(add customer add name=子公司 phone=0571-82000000)
SHOWN=$(as admin customer show "$BIG" -o json)

PRODUCT=$(add product add name=水泵 product_number=P1)
{ echo title,record && awk -v p="$PRODUCT" 'BEGIN { for (i = 1; i <= 600; i++) printf "记%d,product:%d\n", i, p }'; } >"$DIR/notes.csv"
exits "many notes" 0 as admin note import "$DIR/notes.csv"
CHANCE=$(add opportunity add customer="$SISTER" name=机会 expected_amount=1 products="$PRODUCT")
exits "what is in use is not deleted" 6 as admin product delete "$PRODUCT" -y
like "and why is told" "$ERR" 'in use by 1 opportunity'
is "nothing has gone" "$(as admin note count) $(as admin product count)" "600 1"
REFUSED=$(as admin operation list 'state = refused' -o jsonl | jq .id)
exits "what was refused is not undone" 3 as admin undo "$REFUSED"
as admin opportunity set "$CHANCE" products= >/dev/null 2>&1
exits "when it is not in use" 0 as admin product delete "$PRODUCT" -y
is "it goes" "$(as admin note count) $(as admin product count)" "0 0"

exits "a customer with many children is deleted" 0 as admin customer delete "$BIG" -y -o json
is "with all of them" "$(jq .changed <<<"$OUT") $(as admin activity count) $(as admin contact count)" "602 0 0"
DELETED=$(number)
is "as one operation" "$(state_of "$DELETED")" '["delete",602,"done"]'
exits "and restored" 0 as admin customer restore "$BIG" -o json
is "with all" "$(jq .changed <<<"$OUT") $(as admin activity count) $(as admin contact count)" "602 600 1"
is "as it was" "$(as admin customer show "$BIG" -o json | jq -S 'del(.version, .updated_at)')" "$(jq -S 'del(.version, .updated_at)' <<<"$SHOWN")"
RESTORED=$(number)
exits "the restore is undone" 0 as admin undo "$RESTORED"
is "wholly" "$(as admin activity count) $(as admin customer count)" "0 1"
exits "the deletion too" 0 as admin undo "$DELETED"
is "wholly" "$(as admin activity count) $(as admin customer count)" "600 2"
exits "a dry run of it counts" 0 as admin customer delete "$BIG" --dry-run -o json
is "and keeps" "$(jq .changed <<<"$OUT") $(as admin activity count)" "602 600"
exits "several at once" 0 as admin customer delete "$SISTER" "$BIG" -y -o json
is "are one operation" "$(as admin activity count) $(as admin customer count) $(as admin undo "$(number)" 2>/dev/null; as admin customer count)" "0 0 2"

# Merging
activities() { as admin activity count "customer = $1"; }
exits "one to which many refer is merged" 0 as admin customer merge "$SISTER" "$BIG" -o json
is "into the one that stays" "$(jq -c '[.id, .merged_ids]' <<<"$OUT") $(activities "$SISTER") $(as admin contact count "customer = $SISTER") $(as admin customer count)" "[$SISTER,[\"$BIG\"]] 600 1 1"
MERGED=$(grep -o 'undo [0-9]*' <<<"$ERR" | grep -o '[0-9]*')
is "as one operation" "$(state_of "$MERGED")" '["merge",601,"done"]'
exits "its number means the other" 0 as admin customer show "$BIG"
exits "the merge is undone" 0 as admin undo "$MERGED"
is "wholly" "$(activities "$SISTER") $(activities "$BIG") $(as admin customer count)" "0 600 2"
is "as it was" "$(as admin customer show "$BIG" -o json | jq -S 'del(.version, .updated_at)')" "$(jq -S 'del(.version, .updated_at)' <<<"$SHOWN")"
exits "a dry run of it" 0 as admin customer merge "$SISTER" "$BIG" --dry-run
is "changes nothing" "$(activities "$BIG")" 600

server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
