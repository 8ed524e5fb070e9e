#!/bin/bash
# Random merges among random records, then all taken back in reverse: every entered field is as it was, and in between no reference
# of any kind, read from the schema, names what was merged away.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin custom-field add entity=customer field=sister label_zh=姊妹公司 label_en=Sister type=ref refers_to=customer >"$DIR/custom" 2>&1
for noun in customer contact activity task note reminder opportunity lead; do
	as admin schema $noun -o json >"$DIR/schema-$noun.json"
done

cat >"$DIR/run.py" <<'PY'
import json, random, subprocess, sys
client, folder, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(seed)
proc = subprocess.Popen([client, "batch", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
NOUNS = ["customer", "contact", "activity", "task", "note", "reminder", "opportunity", "lead"]

def call(**request):
    proc.stdin.write(json.dumps(request) + "\n")
    proc.stdin.flush()
    return json.loads(proc.stdout.readline())

def add(entity, **fields):
    answer = call(op="add", entity=entity, set=fields, arg={"force": "yes"}, reason="random")
    if answer["status"] != "ok":
        raise SystemExit(f"not added: {entity} {fields} {answer}")
    return answer["record"]["id"]

def everything():
    rows = {}
    for noun in NOUNS:
        for trash in (False, True):
            page = None
            while True:
                request = dict(op="list", entity=noun, limit=1000, trash=trash)
                if page:
                    request["page"] = page
                answer = call(**request)
                for r in answer.get("items", []):
                    r = {k: v for k, v in r.items() if k not in ("version", "updated_at", "updated_by")}
                    rows[noun, r["id"]] = r
                page = answer.get("next")
                if not page:
                    break
    return rows

FIELDS = {noun: {f["name"]: f for f in json.load(open(f"{folder}/schema-{noun}.json"))["items"]} for noun in NOUNS}

def names(kind, field, value, entity, number):
    if isinstance(value, list):
        return any(names(kind, field, v, entity, number) for v in value)
    f = FIELDS[kind].get(field, {"type": "text"})
    if not f["type"].startswith("ref") or field == "merged_into":
        return False
    return value == (number if f.get("refers_to") == entity else "%s:%d" % (entity, number))

customers, contacts = [], []
for n in range(12):
    fields = dict(name="公司%d" % n, phone="0571-%07d" % rng.randrange(10**7))
    for field, value in dict(city="杭州", email="a%d@b.example" % n, tax_number="TAX%d" % n, member_card_number="M%d-%d" % (seed, n),
                             annual_revenue=str(n), remarks="备注%d" % n, tags="甲%d,共" % n).items():
        if rng.random() < 0.5:
            fields[field] = value
    if customers and rng.random() < 0.4:
        fields["employer"] = str(rng.choice(customers))
    if customers and rng.random() < 0.4:
        fields["channel_partner"] = str(rng.choice(customers))
    if customers and rng.random() < 0.4:
        fields["sister"] = str(rng.choice(customers))
    customers.append(add("customer", **fields))
for c in customers:
    for n in range(rng.randrange(4)):
        contacts.append((c, add("contact", customer=str(c), name="人%d" % n, mobile="138%08d" % rng.randrange(10**8))))
for n in range(40):
    c, p = rng.choice(contacts)
    noun, fields = rng.choice([
        ("activity", dict(customer=str(c), contact=str(p), subject="s%d" % n)),
        ("task", dict(customer=str(c), contact=str(p), subject="t%d" % n, due_on="today+3d")),
        ("note", dict(customer=str(c), title="n%d" % n)),
        ("reminder", dict(title="r%d" % n, record="customer:%d" % c, start_on="today+2d")),
        ("reminder", dict(title="r%d" % n, record="contact:%d" % p, start_on="today+2d")),
    ])
    number = add(noun, **fields)
    if number and rng.random() < 0.2:
        call(op="delete", entity=noun, id=number)

first = everything()
done = []
live = {"customer": set(customers), "contact": {p for _, p in contacts}}
for n in range(14):
    noun = rng.choice([n for n in ("customer", "customer", "contact") if len(live[n]) > 1] or ["contact"])
    if len(live[noun]) < 2:
        break
    keep, other = rng.sample(sorted(live[noun]), 2)
    answer = call(op="record.merge", entity=noun, record=[str(keep), str(other)])
    assert answer["status"] == "ok", answer
    done.append(answer["operation"])
    live[noun].discard(other)
    state = everything()
    for (kind, number), row in state.items():
        if kind == noun and number == other:
            continue
        for field, value in row.items():
            assert not names(kind, field, value, noun, other), (kind, number, field, value, noun, other)
    for c in live["customer"]:
        above, depth = state["customer", c].get("employer"), 0
        while above and depth < 20:
            assert above != c, ("circle", c)
            above, depth = state["customer", above].get("employer"), depth + 1
        mine = [r for (kind, _), r in state.items() if kind == "contact" and r.get("customer") == c and "deleted_at" not in r]
        assert not mine or sum(1 for r in mine if r.get("is_primary")) == 1, (c, mine)
for operation in reversed(done):
    answer = call(op="undo", arg={"operation": str(operation)})
    assert answer["status"] == "ok", answer
last = everything()
assert first == last, [(k, first.get(k), last.get(k)) for k in set(first) | set(last) if first.get(k) != last.get(k)][:3]
proc.stdin.close()
print("fine", len(first), len(done))
PY
for seed in 1 2 3; do
	like "seed $seed" "$(GUANXI_CONFIG_DIR="$DIR/profile-admin" /usr/bin/python3 "$DIR/run.py" "$BIN/guanxi" "$DIR" $seed 2>&1 | tail -n 3)" '^fine'
done
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
