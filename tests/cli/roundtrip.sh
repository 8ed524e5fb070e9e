#!/bin/bash
# Every settable field comes back as it went in; export, import into an empty server, export again: identical.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
# One value of every type that people set, from the schema itself
as admin schema customer -o json >"$DIR/schema"
jq '[.. | objects | select(has("type") and has("name") and has("flags"))]' "$DIR/schema" >"$DIR/fields"
jq -c '
	def value:
		if .type == "text" then (if .name == "postcode" then "310000" elif .name == "qq" then "12345678" elif .name == "tax_number" then "91330100ABC123456X"
			elif .name == "id_card_number" then "110101199003077475" elif .name == "birth_month" then "1990-03" elif .name == "name_reading" then "hang zhou" else ("文本 é 😀 𠮷 " + .name) end)
		elif .type == "long_text" then "第一行\n第二行 \"引号\", 逗号"
		elif .type == "integer" then 42 elif .type == "money" then "1234.50" elif .type == "decimal" then 12.5 elif .type == "percent" then 0.9
		elif .type == "date" then "2026-11-21" elif .type == "datetime" then "2026-11-21T01:02:03Z" elif .type == "birthday" then "lunar:1987-L06-01"
		elif .type == "bool" then false elif .type == "phone" then "0571-88880000转12" elif .type == "email" then "a@example.com" elif .type == "url" then "https://example.com/"
		elif .type == "choice" then (.choices[1].code // .values[1]) elif .type == "tags" then ["a", "b"] else null end;
	[.[] | select((.flags | tostring | test("computed|read|virtual|retired|not_stored|not stored")) | not)
		| select(.type | test("ref") | not) | select(.name | test("^(created_|external_id$|birthday_calendar|archived|loss_reason)") | not)
		| {(.name): value}] | add | with_entries(select(.value != null))' "$DIR/fields" >"$DIR/in.json"
COUNT=$(jq length "$DIR/in.json")
[ "$COUNT" -gt 50 ] && ok "$COUNT fields of a customer are set" || not_ok "only $COUNT fields" "$(head -c 300 "$DIR/schema")"
exits "add --json with every settable field" 0 as admin customer add --json "$DIR/in.json" -o json
is "show gives equal values" "$(jq -S --slurpfile in "$DIR/in.json" '. as $out | $in[0] | with_entries(select($out[.key] != .value)) | with_entries(.value = {sent: .value, got: $out[.key]})' -c <<<"$OUT")" "{}"

# Ids differ elsewhere: what refers to a record says its number or external id, and this server knows its own again.
as admin customer import "$ROOT/tests/data/customers-excel-zh.csv" >/dev/null 2>&1
as admin contact add customer=2 name=同名 mobile=13800000001 >/dev/null 2>&1
as admin contact add customer=3 name=同名 mobile=13800000002 >/dev/null 2>&1
as admin contact export "$DIR/contacts.jsonl" --sort id 2>/dev/null
is "references are portable" "$(jq -r '.customer + " " + .owner' "$DIR/contacts.jsonl" | tr '\n' ',')" "C000002 admin,C000003 admin,"
is "a record without a number gets an external id" "$(jq -r .external_id "$DIR/contacts.jsonl" | sed 's/gx-[0-9a-f]*/gx/' | tr '\n' ' ')" "gx-contact-1 gx-contact-2 "
exits "the server's own export is no new records" 11 as admin contact import "$DIR/contacts.jsonl"
like "and says of which it speaks" "$ERR" 'external_id is that of contact "1"'
exits "with the external id as the key" 0 as admin contact import "$DIR/contacts.jsonl" --key external_id --on-conflict update
like "nothing changes" "$OUT" 'added 0, updated 0, unchanged 2,'
sed 's/gx-[0-9a-f]*-/gx-00000000-/' "$DIR/contacts.jsonl" >"$DIR/foreign.jsonl"
exits "another server's ids are not ours" 0 as admin contact import "$DIR/foreign.jsonl" --force --reason moved
like "they are new records" "$OUT" 'added 2,'
is "a foreign external id resolves" "$(as admin task add subject=x customer=2 due_on=2027-01-01 "contact=@@external_id:gx-00000000-contact-1" -o json 2>/dev/null | jq .contact)" 3
is "an id that has no place is no record" "$(as admin task add subject=x customer=2 due_on=2027-01-01 "contact=@@id:1" 2>&1 | grep -c 'not a known contact')" 1
as admin customer export "$DIR/a.jsonl" --format jsonl 2>/dev/null
as admin customer export "$DIR/a.csv" --format csv 2>/dev/null
as admin customer export "$DIR/a.gb.csv" --format csv --encoding gb18030 2>/dev/null
is "GB18030 holds everything" "$(iconv -f GB18030 -t UTF-8 "$DIR/a.gb.csv" | cmp - "$DIR/a.csv" && echo same)" same
server_stop
for form in jsonl csv gb.csv; do
	mv "$DIR/srv" "$DIR/srv-before-$form"
	server_init
	server_start
	rm -rf "$DIR/profile-admin"
	login admin
	exits "import the $form into an empty server" 0 as admin customer import "$DIR/a.$form"
	as admin customer export "$DIR/b.$form" --format "${form##*.}" $([ $form = gb.csv ] && printf -- '--encoding gb18030') 2>/dev/null
	is "and export again: identical" "$(cmp "$DIR/a.$form" "$DIR/b.$form" 2>&1 && wc -l <"$DIR/b.$form" | tr -d ' ')" "$(wc -l <"$DIR/a.$form" | tr -d ' ')"
	server_stop
	exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
done
test_end
