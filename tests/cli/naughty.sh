#!/bin/bash
# Strings that break other programs, through add, show, search, export and import in every form: refused or the same, never another.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

N=0
while IFS= read -r case; do
	N=$((N + 1))
	name=$(jq -r .name <<<"$case")
	jq -j .csv <<<"$case" >"$DIR/acid.csv"
	as admin customer import "$DIR/acid.csv" --map a=company_name --map b=keywords --map c=remarks --set "tags=$name" --set name=acid --set phone=0571-12345678 --force --reason acid >"$DIR/out" 2>&1
	is "csv: $name" "$(as admin customer list "tags = $name" --sort id --columns company_name,keywords,remarks -o jsonl 2>/dev/null | jq -c '[.company_name, .keywords, .remarks]')" "$(jq -c '.rows[]' <<<"$case")"
done <"$ROOT/tests/data/csv-acid.jsonl"
[ "$N" -ge 20 ] && ok "$N cases" || not_ok "only $N cases"

# Each string as remarks; what is refused is refused by name.
jq -c --slurpfile all "$ROOT/tests/data/nasty-strings.jsonl" -n '$all | to_entries[] | {op: "add", entity: "customer", set: {name: ("n" + (.key | tostring)), external_id: ("n" + (.key | tostring)), phone: ("0571-" + (20000000 + .key | tostring)), remarks: .value}}' >"$DIR/batch"
as admin batch "$DIR/batch" >"$DIR/answers" 2>/dev/null
is "every line is answered in its place" "$(jq -c .line "$DIR/answers" | cmp - <(seq "$(wc -l <"$DIR/batch")") && echo same)" same
is "what is refused names the field" "$(jq -c 'select(.status != "ok" and (.error.fields[0].field != "remarks") and (.error.message | test("^not JSON: .u0000") | not))' "$DIR/answers")" ""
KEPT=$(jq -s '[.[] | select(.status == "ok")] | length' "$DIR/answers")
[ "$KEPT" -gt 40 ] && ok "$KEPT strings are kept" || not_ok "only $KEPT strings are kept"
is "what is kept is what was sent" "$(jq -c 'select(.status == "ok") | [.line, .record.remarks]' "$DIR/answers" | jq -c --slurpfile sent "$DIR/batch" 'select((.[1] // "") != ($sent[.[0] - 1].set.remarks | if test("^\\s*$") then "" else . end))')" ""
for form in csv jsonl vcf vcf4; do
	exits "export $form" 0 as admin customer export "$DIR/n.$form" 'external_id ~ n' --format $form --sort id
	exits "and import it over itself" 0 as admin customer import "$DIR/n.$form" --format "${form%4}" --key external_id --on-conflict update -o json
	# A vCard has one kind of line end: the carriage return within a text becomes a line feed.
	is "$form changes nothing" "$(jq -c '[.read, .unchanged]' <<<"$OUT")" "[$KEPT,$([ $form = vcf ] && echo $((KEPT - 1)) || echo $KEPT)]"
done
exits "export gb18030" 0 as admin customer export "$DIR/n.gb.csv" 'external_id ~ n' --encoding gb18030 --sort id
exits "and import it over itself" 0 as admin customer import "$DIR/n.gb.csv" --key external_id --on-conflict update -o json
is "gb18030 changes nothing" "$(jq -c '[.read, .unchanged]' <<<"$OUT")" "[$KEPT,$KEPT]"
exits "export xlsx" 0 as admin customer export "$DIR/n.xlsx" 'external_id ~ n' --columns remarks --sort id
cat >"$DIR/sheet.py" <<'PY'
import json, re, sys, zipfile
import xml.etree.ElementTree as T
ns = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
sheet = T.fromstring(zipfile.ZipFile(sys.argv[1]).read("xl/worksheets/sheet1.xml"))
for row in list(sheet.iter(ns + "row"))[1:]:
    text = "".join(t.text or "" for t in row.iter(ns + "t"))
    print(json.dumps(re.sub("_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m.group(1), 16)), text)))
PY
is "the sheet has the same texts" "$(/usr/bin/python3 "$DIR/sheet.py" "$DIR/n.xlsx" | jq -c . | sort)" "$(as admin customer list 'external_id ~ n and remarks is not empty' --all -o jsonl 2>/dev/null | jq -c .remarks | sort)"
unlike "no escape reaches a terminal" "$(as admin customer list 'external_id ~ n' --all --columns name,remarks -o table 2>/dev/null | tr -d '\n')" $'[\x01-\x08\x0b-\x1f\x7f]'
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
