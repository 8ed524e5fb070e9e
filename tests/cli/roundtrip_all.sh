#!/bin/bash
# Every kind of record: export, import into an empty server, export again is identical; references resolve there although ids differ.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin

as admin schema -o json | jq -r '.items[].entity' >"$DIR/entities"
while read -r e; do as admin schema "$e" -o json >"$DIR/schema.$e"; done <"$DIR/entities"
cat >"$DIR/fill.py" <<'PY'
"""One line of batch for each entity: required fields, and every reference that the server has a record for."""
import json, sys
folder, second = sys.argv[1], sys.argv[2]
fixed = json.load(open(sys.argv[3]))
for entity in open(folder + "/entities").read().split():
    if entity in fixed and fixed[entity] is None:
        continue
    schema = json.load(open(folder + "/schema." + entity))
    fields = schema["fields"] if "fields" in schema else schema["items"]
    record = {}
    for f in fields:
        flags = str(f.get("flags", ""))
        if any(w in flags for w in ("computed", "read", "virtual", "not stored", "retired")):
            continue
        if "required" not in flags and not (f["type"] == "ref" and f["name"] in ("customer", "contact")):
            continue
        kind, name = f["type"], f["name"]
        if kind == "ref": record[name] = "1"
        elif kind in ("text", "long_text", "tags", "texts"): record[name] = name + second
        elif kind == "phone": record[name] = "0571-8888000" + second
        elif kind in ("integer", "money", "decimal", "percent"): record[name] = "1"
        elif kind == "date": record[name] = "2027-01-0" + second
        elif kind == "datetime": record[name] = "2027-01-01T00:00:00Z"
        elif kind == "ref_any": record[name] = "customer:1"
    for k, v in fixed.get(entity, {}).items():
        choices = next((f.get("choices") or f.get("values") or [] for f in fields if f["name"] == k), [])
        if v == "@1" and not choices: print(k, [f for f in fields if f["name"] == k], file=sys.stderr)
        record[k] = choices[0]["code"] if v == "@1" else v.replace("#", second)
        if v == "": record.pop(k)
    print(json.dumps({"op": "add", "entity": entity, "set": record}, ensure_ascii=False))
PY
cat >"$DIR/fixed" <<'JSON'
{"operation": null, "setting": null, "dictionary": null, "dictionary_entry": null, "document": null,
"customer": {"phone": "0571-8000000#", "name": "公司#号", "external_id": ""},
"contact": {"mobile": "1380000000#", "name": "同名", "customer": "1"},
"branch": {"time_zone": "Asia/Shanghai"}, "user": {"roles": "sales", "username": "u#"},
"custom_field": {"entity": "customer", "type": "text"},
"reminder": {"start_on": "2027-01-0#"},
"sales_plan": {"plan_year": "202#"}, "plan_step": {"plan": "1", "step_kind": "@1"}, "plan_line": {"plan": "1", "plan_line_kind": "@1"},
"operating_record": {"month": "2026-0#"}, "part_movement": {"part_movement_kind": "@1"},
"campaign": {"channel": "@1", "target_filter": "name is not empty"}, "message": {"channel": "@1", "recipient": "13800000001"},
"points_entry": {"points_reason": "@1"}, "consent": {"purpose": "@1"}, "saved_filter": {"entity": "customer"}, "calendar_day": {"working": "yes", "day": "2027-01-0#"},
"cadence_rule": {"code": "rule#", "entity": "customer", "filter": "id > 0", "rhythm": "@1", "period": "month", "period_from": "", "setting": "", "since": "", "to_pool": "no"}}
JSON
for n in 1 2; do
	/usr/bin/python3 "$DIR/fill.py" "$DIR" $n "$DIR/fixed" >"$DIR/batch"
	as admin batch "$DIR/batch" >"$DIR/answers"
	paste -d' ' <(jq -r '.entity' "$DIR/batch") <(jq -r '.status + " " + (.error.message // "") + " " + ((.error.fields // []) | tostring)' "$DIR/answers") | grep -v ' ok  \[\]$' | sed 's/^/# /'
done

is "records of every kind" "$(jq -r 'select(.status != "ok") | .line' "$DIR/answers" | wc -l) $(($(wc -l <"$DIR/answers") > 30))" "0 1"

cat >"$DIR/plan.py" <<'PY'
"""ENTITY FORM KEY COLUMN...: the order of the import, the key, and the columns that come with a second run."""
import json, sys
folder = sys.argv[1]
first = "branch team region dictionary dictionary_entry custom_field role user setting portfolio customer contact".split()
names = first + [e for e in open(folder + "/entities").read().split() if e not in first and e != "operation"]
for i, entity in enumerate(names):
    fields = json.load(open(folder + "/schema." + entity))["items"]
    rows = [json.loads(l) for l in open("%s/a.%s.jsonl" % (folder, entity))]
    if not rows: continue
    unique = [f["name"] for f in fields if "unique" in f.get("flags", "") and f["name"] != "external_id"]
    key = "external_id" if "external_id" in rows[0] or not unique else unique[0]
    later = [f["name"] for f in fields if f["type"] in ("ref", "refs", "ref_any")
             and f["name"] != "created_by" and f.get("refers_to") not in names[:i]
             and any(f["name"] in r for r in rows)]
    form = ("jsonl", "csv")[i % 2]
    if form == "csv":
        label = {f["name"]: f.get("label_en") or f["name"] for f in fields}
        later = [label[n] for n in later]
    print(entity, form, key, *later, sep="\t")
PY
while read -r e; do
	as admin "$e" export "$DIR/a.$e.jsonl" 2>>"$DIR/export.err" && as admin "$e" export "$DIR/a.$e.csv" 2>>"$DIR/export.err" || cat "$DIR/export.err"
done <"$DIR/entities"
/usr/bin/python3 "$DIR/plan.py" "$DIR" >"$DIR/plan"
server_stop
mv "$DIR/srv" "$DIR/srv-first"
rm -rf "$DIR/profile-admin"
server_init && server_start && login admin
# Ids are others here.
as admin customer add name=先来的 phone=0571-99999999 customer_number=X1 >/dev/null 2>&1
as admin contact add customer=X1 name=先来的 mobile=13999999999 >/dev/null 2>&1
as admin task add customer=X1 subject=先来的 due_on=2027-01-01 >/dev/null 2>&1
as admin customer delete X1 -y >/dev/null 2>&1
bring() { # once or twice
	local e form key later maps f
	while IFS=$'\t' read -r e form key later; do
		maps=()
		[ "$1" = twice ] && [ -z "$later" ] && continue
		if [ "$1" = once ] && [ -n "$later" ]; then
			while IFS= read -r f; do maps+=(--map "$f="); done < <(tr '\t' '\n' <<<"$later")
		fi
		as admin "$e" import "$DIR/a.$e.$form" --key "$key" --on-conflict update --force --reason moved "${maps[@]}" >"$DIR/out" 2>&1 </dev/null ||
			not_ok "import of $e as $form, $1" "$(cat "$DIR/out")"
	done <"$DIR/plan"
}
bring once
bring twice
SAME=0
while read -r e form key later; do
	as admin "$e" export "$DIR/b.$e.jsonl" 2>/dev/null
	if cmp -s "$DIR/a.$e.jsonl" "$DIR/b.$e.jsonl"; then SAME=$((SAME + 1)); else not_ok "$e is another" "$(diff "$DIR/a.$e.jsonl" "$DIR/b.$e.jsonl" | head -n 4 | cut -c1-700)"; fi
done <"$DIR/plan"
is "all kinds of records are the same" "$SAME" "$(wc -l <"$DIR/plan")"
server_stop
exits "check is clean" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
