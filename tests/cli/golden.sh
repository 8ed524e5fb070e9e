#!/bin/bash
# The JSON of every command as it was frozen in tests/data/golden: ids stand as they come, times, versions of the program, addresses
# and tokens are replaced. GOLDEN=write bash tests/cli/golden.sh writes them anew: a difference there is a change of the contract.
. "$(dirname "$0")/../lib.sh"
test_begin
printf '2026-03-02T00:30:00Z\n' >"$DIR/clock"
server_init && server_start --clock "$DIR/clock" && login admin
GOLD=$ROOT/tests/data/golden
SEEN=" "

normal() {
	sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' -e 's/"(next|schema_hash|token|fingerprint)":"[0-9a-f]{16,}"/"\1":"HEX"/g' \
		-e 's/guanxi:\/\/[^"]*/LINE/g' -e 's/127\.0\.0\.1(:[0-9]+)?/ADDRESS/g' -e 's/"(seq|prev|lag_us)":[0-9]+/"\1":0/g'
}
# golden NAME CODE ARGUMENT... : stdout, and stderr when it failed
golden() {
	local name=$1 code=$2 got
	shift 2
	exits "$name" "$code" as admin "$@"
	SEEN="$SEEN$name "
	got=$({ printf '%s\n' "$OUT" && [ "$code" = 0 ] || printf '%s\n' "$ERR"; } | normal)
	if [ "${GOLDEN:-}" = write ]; then
		printf '%s\n' "$got" >"$GOLD/$name.json"
	fi
	is "$name: its JSON" "$got" "$(cat "$GOLD/$name.json" 2>&1)"
}

[ "${GOLDEN:-}" = write ] && mkdir -p "$GOLD"
golden add 0 customer add name=杭州长河 phone=0571-88880000 city=杭州 tags=展会,老 annual_revenue=1234.5 employee_count=12 -o json
golden add_person 0 customer add kind=person name=王小明 mobile=13800000001 birthday=lunar:08-15 -o json
golden add_contact 0 contact add customer=1 name=曾国强 mobile=13900000001 birthday=02-29 -o json
golden add_invalid 6 customer add kind=person email=x postcode=12 -o json
golden add_duplicate 7 customer add name=杭州长河有限公司 phone=1234567 -o json
golden show 0 customer show 1 -o json
golden show_missing 3 customer show 99 -o json
golden show_at 0 customer show 1 --at 2026-03-02T02:00:00Z -o json
golden set 0 customer set 1 city=宁波 -o json
golden set_conflict 5 customer set 1 city=温州 --if-version 1 -o json
golden set_where 0 customer set --where 'id = 1' city=温州 -y -o json
golden set_where_dry_run 0 customer set --where 'id = 1' city=湖州 --dry-run -o json
golden list 0 customer list --sort id -o json
golden list_jsonl 0 customer list --sort id -o jsonl
golden list_page 0 customer list --sort id --limit 1 --total -o json
golden list_bad_filter 2 customer list 'ctiy = 1' -o json
golden count 0 customer count -o json
golden count_by 0 customer count --by city -o json
golden search 0 search zgq -o json
golden history 0 customer history 1 -o json
golden duplicates 0 customer duplicates -o json
golden delete 0 customer delete 2 -y -o json
golden delete_asks 2 customer delete 1 -o json
golden trash 0 customer list --trash -o json
golden restore 0 customer restore 2 -o json
golden merge 0 customer merge 1 2 -o json
golden merged_history 0 customer history 1 --limit 1 -o json
golden undo 0 undo 9 -o json
golden undo_unknown 3 undo 9999 -o json
printf 'name,phone\n甲厂,0571-1111111\n乙厂,x\n' >"$DIR/in.csv"
golden import 11 customer import "$DIR/in.csv" -o json
golden import_dry_run 11 customer import "$DIR/in.csv" --dry-run -o json
golden export 0 customer export - 'id = 1' --format jsonl
golden task_add 0 task add customer=1 subject=回访 due_on=2026-03-02 -o json
golden reminder_add 0 reminder add title=问候 start_on=2026-03-03 -o json
golden reminder_list 0 reminder list -o json
golden today 0 today -o json
golden schema_entity 0 schema team -o json
golden whoami 0 whoami -o json
golden operation_list 0 operation list -o json
golden audit_list 0 audit list export -o json
printf '%s\n' '{"op":"get","entity":"customer","id":1}' '{"op":"get","entity":"customer","id":99}' 'nonsense' '{"op":"count","entity":"customer"}' >"$DIR/batch"
golden batch 11 batch "$DIR/batch"
golden unknown_command 2 nonsense list -o json

if [ "${GOLDEN:-}" != write ]; then
	for file in "$GOLD"/*.json; do
		name=$(basename "$file" .json)
		[[ $SEEN == *" $name "* ]] || not_ok "golden file without a test: $name"
	done
fi
server_stop
test_end
