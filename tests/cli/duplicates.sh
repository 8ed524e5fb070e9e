#!/bin/bash
# The warning on entry and the report of likely duplicates.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=hz name=杭州 >/dev/null 2>&1
as admin branch add code=cd name=成都 >/dev/null 2>&1
user_add wang sales hz
user_add li sales cd
user_add zhao sales_mgr hz

id_of() { jq .id; }
C=$(as admin customer add name=杭州长河有限公司 phone='0571-8888 0000' mobile=13800000001 email=Info@ChangHe.example tax_number=91330100MA000001 -o json | id_of)

exits "the same name and phone" 7 as admin customer add name=杭州长河有限公司 phone=0571-88880000 -o json
is "every candidate is named" "$(jq -r '[.error.fields[] | .field + " " + .candidate] | sort | join(";")' <<<"$ERR")" "name customer:$C;phone customer:$C"
is "as a duplicate" "$(jq -r .error.code <<<"$ERR")" duplicate
like "in words too" "$(as admin customer add name=杭州长河有限公司 phone=0571-88880000 2>&1)" "name is that of customer $C \"杭州长河有限公司\""
is "nothing was added" "$(as admin customer count)" 1
for name in 杭州长河 '杭州 长河 股份有限公司' '（杭州）长河有限责任公司' '杭州长河 Co., Ltd.'; do
	exits "the name as $name" 7 as admin customer add name="$name" phone=0571-11110000
done
exits "another firm" 0 as admin customer add name=杭州长河机械有限公司 phone=0571-11110001 -o json
N=$(id_of <<<"$OUT")
exits "a mobile with +86" 7 as admin customer add name=甲 mobile='+86 138-0000-0001'
exits "the mobile as a phone" 7 as admin customer add name=甲 phone=13800000001
exits "the e-mail in other case" 7 as admin customer add name=甲 phone=0571-11110002 email=Info@CHANGHE.example
exits "the tax number" 7 as admin customer add name=甲 phone=0571-11110002 tax_number=91330100ma000001
exits "a contact's mobile" 7 as admin contact add customer="$N" name=乙 mobile=13800000001
exits "a contact of that customer may have it" 0 as admin contact add customer="$C" name=乙 mobile=13800000001
exits "a lead's phone" 7 as admin lead add name=丙 phone=13800000001
exits "two short numbers are no match" 0 as admin customer add name=丁 phone=10086
exits "nor is this one" 0 as admin customer add name=戊 phone=10086
exits "a change that makes a duplicate" 7 as admin customer set "$N" tax_number=91330100MA000001
exits "a change of something else does not ask" 0 as admin customer set "$C" city=杭州
exits "nor the own value in another form" 0 as admin customer set "$C" mobile='+86 13800000001'
exits "a dry run tells it" 7 as admin customer add name=杭州长河 phone=0571-11110009 --dry-run

P=$(as admin customer add kind=person name=王伟 mobile=13700000001 birthday=1987-07-26 -o json | id_of)
exits "persons of one name" 0 as admin customer add kind=person name=王伟 mobile=13700000002 birthday=1990-01-01
exits "of one name and birthday" 7 as admin customer add kind=person name=王伟 mobile=13700000003 birthday=1987-07-26

exits "--force needs a reason" 2 as admin customer add name=杭州长河 phone=0571-11110003 --force
exits "and works with one" 0 as admin customer add name=杭州长河 phone=0571-11110003 --force --reason 分公司 -o json
TWIN=$(id_of <<<"$OUT")
exits "not for a salesperson" 4 as wang customer add name=杭州长河 phone=0571-11110004 --force --reason x
exits "a manager may" 0 as zhao customer add name=长河二号 phone=0571-11110003 --force --reason x
exits "another branch learns that there is one" 7 as li customer add name=杭州长河 phone=028-1000000 -o json
is "no more" "$(jq -c '[.error.fields[] | [.field, .message, .candidate]] | unique' <<<"$ERR")" '[["name","exists, owned by another branch",null]]'

exits "the report" 0 as admin customer duplicates -o jsonl
is "names each pair with its reason" "$(jq -c 'select(.id == '"$TWIN"' or .duplicates[0].id == '"$TWIN"') | [.id, .duplicates[].id, .duplicates[].same] | length > 2' <<<"$OUT" | head -1)" true
is "and the persons do not meet" "$(jq -c 'select(.id == '"$P"')' <<<"$OUT")" ""
is "a salesperson sees none of others" "$(as li customer duplicates -o jsonl)" ""
exits "as a table" 0 as admin customer duplicates -o table
like "with titles" "$OUT" 杭州长河

as admin customer delete "$TWIN" -y >/dev/null 2>&1
exits "the trash does not count" 0 as admin customer add name=长河三号 phone=0571-22220000 -o json
as admin customer set "$C" name=改名 >/dev/null 2>&1
exits "nor a name that is gone" 0 as admin customer add name=杭州长河 phone=0571-22220001
exits "a restore looks again" 7 as admin customer restore "$TWIN"
exits "and may be forced" 0 as admin customer restore "$TWIN" --force --reason 两家

printf 'name,phone\n新公司,0571-33330000\n新公司有限公司,0571-33330001\n别家,13800000001\n' >"$DIR/rows.csv"
exits "an import rejects them" 11 as admin customer import "$DIR/rows.csv" --rejects "$DIR/rejects.csv"
is "each" "$(grep -c , "$DIR/rejects.csv")" 3
like "with the candidate" "$(cat "$DIR/rejects.csv")" 'customer [0-9]+'
exits "unless it is told not to" 0 as admin customer import "$DIR/rejects.csv" --map "$(head -n 1 "$DIR/rejects.csv" | tr -d "\r" | sed "s/.*,//")=" --force --reason 已核对
server_stop
exits "the store is sound" 0 "$BIN/guanxid" check -D "$DIR/srv"
test_end
