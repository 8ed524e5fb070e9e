#!/bin/bash
# A field is one line, an entity one table and its rows of a dictionary: both are planted in a scratch copy of the sources, the server is
# built from it, and the client as it stands enters, finds, counts, exports, imports and takes back what it never heard of.
. "$(dirname "$0")/../lib.sh"
test_begin

cd "$ROOT" && mkdir -p "$DIR/tree" && cp -a Makefile common server client proto "$DIR/tree/" && mkdir "$DIR/tree/tests"
[ -d build/obj ] && mkdir "$DIR/tree/build" && cp -a build/obj build/*.a "$DIR/tree/build/" 2>/dev/null
[ -d build/gen ] && cp -a build/gen "$DIR/tree/build/" 2>/dev/null

python3 - "$DIR/tree/server/model" <<'PY'
import sys
folder = sys.argv[1]

def edit(name, before, text):
    path = folder + "/" + name
    source = open(path, encoding="utf-8").read()
    assert source.count(before) >= 1, (name, before)
    at = source.index(before)
    open(path, "w", encoding="utf-8").write(source[:at] + text + source[at:])

edit("entities_customer.c", "\t{ .tag = 2, ", "\t{ .tag = 880, .name = \"planted\", .type = T_TEXT, .zh = \"种下的\", .en = \"Planted\", .flags = F_INDEXED | F_SEARCH | F_LIST },\n")
edit("dictionaries.c", "\t{ \"loss_reason\", ", """\t{ "boat_kind", "船型", NULL, NULL, ROW_DICTIONARY },
\t{ "junk", "帆船", "Junk", NULL, ROW_DEFAULT },
\t{ "ferry", "渡船", "Ferry", NULL, 0 },
""")
edit("model.c", "static const struct entity_table", """static const struct field boat_fields[] = {
\t{ .tag = 1, .name = "name", .type = T_TEXT, .zh = "船名", .en = "Name", .flags = F_REQUIRED | F_INDEXED | F_SEARCH | F_LIST | F_NAME },
\t{ .tag = 2, .name = "customer", .type = T_REF, .refers_to = "customer", .zh = "客户", .en = "Customer", .flags = F_INDEXED | F_LIST, .on_delete = ON_DELETE_CASCADE },
\t{ .tag = 3, .name = "kind", .type = T_CHOICE, .refers_to = "boat_kind", .zh = "类型", .en = "Kind", .flags = F_INDEXED | F_LIST | F_DEFAULTED, .initial = "@default-entry" },
\t{ 0 },
};
""")
edit("model.c", "\t{ .entity = { .number = ENTITY_CONTACT,", """\t{ .entity = { .number = 999, .name = "boat", .zh = "船", .en = "Boat", .name_field = "name", .scope_fields = "customer" },
\t\t.rows = boat_fields },
""")
PY
is "files that an added field, an entity and a dictionary touch" \
	"$(diff -rq "$ROOT/server" "$DIR/tree/server" | sed 's/^Files .*server\///; s/ and .*//; s/ differ//; s/.*server\///' | sort | tr '\n' ' ')" \
	"model/dictionaries.c model/entities_customer.c model/model.c "
is "lines of the field" "$(diff "$ROOT/server/model/entities_customer.c" "$DIR/tree/server/model/entities_customer.c" | grep -c '^>')" 1
is "lines of the dictionary" "$(diff "$ROOT/server/model/dictionaries.c" "$DIR/tree/server/model/dictionaries.c" | grep -c '^>')" 3
is "lines beside the entity's table" "$(diff "$ROOT/server/model/model.c" "$DIR/tree/server/model/model.c" | grep -c '^> .*\(number = 999\|rows = boat\)')" 2
exits "the server is built" 0 make -s -C "$DIR/tree" build/bin/guanxid

mkdir "$DIR/bin" && cp "$DIR/tree/build/bin/guanxid" "$DIR/bin/" && cp "$BIN/guanxi" "$DIR/bin/" && BIN=$DIR/bin
server_init && server_start && login admin
exits "the field is entered" 0 as admin customer add name=杭州长河 phone=0571-88880001 planted=柳树 -o json
C=$(jq .id <<<"$OUT")
as admin customer add name=成都蜀江 phone=028-88880002 种下的=杨树 >/dev/null 2>&1
is "shown" "$(jq -r .planted <<<"$OUT")" 柳树
is "listed by its name" "$(as admin customer list 'planted = 柳树' -o id)" "$C"
is "by its label" "$(as admin customer list '种下的 ~ 柳' -o id)" "$C"
like "from an index" "$(as admin customer list 'planted = 柳树' --explain 2>&1 >/dev/null)" 'index'
is "sorted" "$(as admin customer list --sort -planted -o jsonl | jq -r .planted | tr '\n' ' ')" "柳树 杨树 "
is "counted" "$(as admin customer count --by planted -o jsonl | wc -l)" 2
is "found" "$(as admin search 柳树 -o id)" "$C"
exits "exported" 0 as admin customer export "$DIR/out.csv" --columns name,phone,planted --lang zh
like "with its label" "$(head -n 1 "$DIR/out.csv")" 种下的
exits "imported" 0 as admin customer import "$DIR/out.csv" --key name --on-conflict update
exits "changed" 0 as admin customer set "$C" planted=榕树
is "its history is told" "$(as admin customer history "$C" -o json | jq -c '[.items[].changes.planted | values][0]')" '{"old":"柳树","new":"榕树"}'
exits "and taken back" 0 as admin undo "$(as admin customer history "$C" -o json | jq '.items[0].operation')"
is "as it was" "$(as admin customer show "$C" -o json | jq -r .planted)" 柳树

exits "the entity is entered" 0 as admin boat add name=远望 customer="$C" -o json
B=$(jq .id <<<"$OUT")
is "with its default" "$(jq -r .kind <<<"$OUT")" junk
is "its choice by label" "$(as admin boat set "$B" kind=渡船 -o json | jq -r .kind)" ferry
is "listed through its reference" "$(as admin boat list 'customer.planted = 柳树 and kind = Ferry' -o id)" "$B"
is "found by pinyin" "$(as admin search yuanwang --in boat -o id)" "$B"
exits "deleted with its customer" 0 as admin customer delete "$C" -y
exits "is gone" 3 as admin boat show "$B"
exits "restored with it" 0 as admin customer restore "$C"
exits "is there" 0 as admin boat show "$B"
exits "exported too" 0 as admin boat export "$DIR/boats.jsonl" --format jsonl
like "by name" "$(cat "$DIR/boats.jsonl")" 远望
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
