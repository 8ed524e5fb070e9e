#!/bin/bash
# Every kind of record that the schema tells of leads the same life without code of its own: a smallest record made from the required
# fields, shown, listed, filtered, counted, changed, exported, imported again, deleted, restored, and its history. A new entity joins by itself.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin schema -o json | jq -r '.items[].entity' >"$DIR/entities"
while read -r entity; do
	as admin schema "$entity" -o json | jq -c --arg e "$entity" '.items[] + {entity: $e}'
done <"$DIR/entities" >"$DIR/fields"

# value ENTITY FIELD TYPE REFERS-TO : what a required field gets
value() {
	case $1.$2 in
	*.username | *.code) echo "e2e_$1" ;;
	*.time_zone) echo Asia/Shanghai ;;
	role.rights) echo customer.change ;;
	dictionary_entry.dictionary) echo industry ;;
	custom_field.entity | saved_filter.entity | cadence_rule.entity) echo customer ;;
	*.target_filter | *.filter) echo 'id > 0' ;;
	document.content) echo "@$DIR/pw" ;;
	custom_field.field) echo e2e_field ;;
	custom_field.type) echo text ;;
	operating_record.month) echo 2026-10 ;;
	*)
		case $3 in
		text | long_text | tags) echo "e2e $1" ;;
		integer) [ "$2" = plan_year ] && echo 2031 || echo 1 ;;
		decimal | money | percent) echo 1 ;;
		date | birthday) echo 2031-05-06 ;;
		datetime) echo 2031-05-06T00:00:00Z ;;
		time) echo 10:00 ;;
		bool) echo yes ;;
		phone) echo 0571-88887777 ;;
		email) echo a@example.com ;;
		choice | choices) jq -r --arg d "$4" 'select(.entity == $d) | .code' "$DIR/choices" | head -n 1 ;;
		ref | refs) record "$4" && echo "$MADE" ;;
		esac
		;;
	esac
}

# more ENTITY : what the smallest record needs besides its required fields
more() {
	case $1 in
	customer) echo phone=0571-88886666 ;;
	activity | task | reminder | document) record customer && echo "customer=$MADE" ;;
	cadence_rule) echo period=month ;;
	sale) printf '%s\n' product_name=x unit_price=1 status=draft ;; # an ordered one cannot be deleted
	esac
}

# record ENTITY : id of its smallest record in MADE, made when it is asked for the first time; false if there can be none
record() {
	local entity=$1 fields=() name type refers line
	if [ -s "$DIR/made.$entity" ]; then
		MADE=$(cat "$DIR/made.$entity")
		return 0
	fi
	while IFS=$'\t' read -r name type refers; do
		fields+=("$name=$(value "$entity" "$name" "$type" "$refers")")
	done < <(jq -r --arg e "$entity" 'select(.entity == $e and ((.flags // "") | test("required") and (test("defaulted|computed|server") | not)))
		| [.name, .type, .refers_to // ""] | @tsv' "$DIR/fields")
	while read -r line; do
		[ -n "$line" ] && fields+=("$line")
	done < <(more "$entity")
	MADE=$(as admin "$entity" add "${fields[@]}" "external_id=e2e-$entity" -o id 2>"$DIR/add.err") || return 1
	printf '%s\n' "$MADE" >"$DIR/made.$entity"
}

as admin dictionary_entry list --limit 1000 -o jsonl --columns key >"$DIR/keys"
jq -c '.key | {entity: split(".")[0], code: split(".")[1]}' "$DIR/keys" >"$DIR/choices"

# line N JQ : of the answers
answer() { sed -n "$1p" "$DIR/answers" | jq -r "$2"; }

# life ENTITY ID
life() {
	local entity=$1 id=$2 part
	printf '%s\n' '{"op":"get","entity":"'"$entity"'","id":'"$id"'}' \
		'{"op":"list","entity":"'"$entity"'","filter":"id = '"$id"'"}' \
		'{"op":"list","entity":"'"$entity"'","filter":"external_id = \"e2e-'"$entity"'\""}' \
		'{"op":"count","entity":"'"$entity"'"}' \
		>"$DIR/life.1"
	printf '%s\n' '{"op":"set","entity":"'"$entity"'","id":'"$id"',"set":{"external_id":"e2e-'"$entity"'-2"}}' \
		'{"op":"delete","entity":"'"$entity"'","id":'"$id"'}' \
		'{"op":"list","entity":"'"$entity"'","filter":"id = '"$id"'"}' \
		>"$DIR/life.2"
	printf '%s\n' '{"op":"restore","entity":"'"$entity"'","id":'"$id"'}' \
		'{"op":"get","entity":"'"$entity"'","id":'"$id"'}' >"$DIR/life.3"
	for part in 1 2 3; do
		as admin batch "$DIR/life.$part" -o jsonl 2>/dev/null
	done >"$DIR/answers"
	as admin "$entity" history "$id" -o json >"$DIR/history" 2>&1
}
# whole ENTITY ID : says what is wrong with the answers; nothing when all is right
whole() {
	local entity=$1 id=$2 n changes=1
	for n in 1 2 3 4; do
		[ "$(answer $n .status)" = ok ] || echo "line $n: $(answer $n .)"
	done
	[ "$(answer 1 .record.id)" = "$id" ] || echo "show gives another one"
	[ "$(answer 2 '[.items[].id] | join(",")')" = "$id" ] || echo "a filter by id does not find it alone"
	[ "$(answer 3 '[.items[].id] | join(",")')" = "$id" ] || echo "a filter by external id does not find it alone"
	[ "$(answer 4 .count)" -ge 1 ] || echo "count tells none"
	case $(answer 5 '.status + " " + (.error.message // "")') in
	"ok "*)
		changes=2
		[ "$(answer 5 .record.version)" = 2 ] || echo "a change does not count the version up"
		;;
	*"is never changed"*) [ "$(answer 9 .record.version)" = 1 ] || echo "refused, but changed" ;;
	*) echo "set: $(answer 5 .)" ;;
	esac
	case $(answer 6 '.status + " " + (.error.reason // "") + " " + (.error.message // "")') in
	"ok "*)
		changes=$((changes + 2))
		[ "$(answer 7 '.items | length')" = 0 ] || echo "deleted, but listed"
		[ "$(answer 8 .status)" = ok ] || echo "restore: $(answer 8 .)"
		;;
	*in_use* | *"never deleted"*) [ "$(answer 7 '.items | length')" = 1 ] || echo "not deleted, but gone" ;;
	*) echo "delete: $(answer 6 .)" ;;
	esac
	[ "$(answer 9 .status)" = ok ] || echo "after all it is not there: $(answer 9 .)"
	[ "$(jq '.items | length' "$DIR/history")" = "$changes" ] || echo "history has not $changes entries: $(cat "$DIR/history")"
}

# goes_round ENTITY ID : what is exported comes in again and changes nothing
goes_round() {
	local entity=$1 id=$2
	as admin "$entity" export "$DIR/out.jsonl" "id = $id" >/dev/null 2>"$DIR/export.err" || {
		echo "export: $(cat "$DIR/export.err")"
		return
	}
	[ "$(wc -l <"$DIR/out.jsonl")" = 1 ] || echo "one record is exported as $(wc -l <"$DIR/out.jsonl") lines"
	as admin "$entity" import "$DIR/out.jsonl" --key external_id --on-conflict update -o json >"$DIR/in" 2>"$DIR/import.err" ||
		echo "import: $(cat "$DIR/import.err" "$DIR/in")"
	[ "$(jq -r .unchanged "$DIR/in")" = 1 ] || echo "import changes what it has: $(cat "$DIR/in")"
}

LIVED=0
while read -r entity; do
	if ! record "$entity"; then
		like "a $entity is made by the server, or from a file" "$(cat "$DIR/add.err")" 'changed by the server only|is no setting of this server|is not a file'
		continue
	fi
	life "$entity" "$MADE"
	{
		whole "$entity" "$MADE"
		goes_round "$entity" "$MADE"
	} >"$DIR/wrong"
	is "a $entity lives the common life" "$(cat "$DIR/wrong")" ""
	LIVED=$((LIVED + 1))
done <"$DIR/entities"
[ $LIVED -ge 26 ] && ok "most kinds of records were tried" || not_ok "only $LIVED kinds of records were tried"
server_stop
exits "and the store is whole" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
