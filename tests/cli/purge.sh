#!/bin/bash
# The trash is emptied by the server: after trash.days, never before 30, never what money hangs on, what a kept record names, or a merged one.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init
D=$BIN/guanxid
set_clock 2026-01-01T08:00:00Z
server_start --clock "$DIR/clock" && login admin && sessions_never_end

id_of() { jq .id; }
delete() { as admin "$1" delete "$2" -y >/dev/null 2>&1; }
at() { # DAY : the server has started on that day and has looked through the trash
	server_stop
	set_clock "$1T08:00:00Z"
	LISTEN=$ADDRESS server_start --clock "$DIR/clock"
	wait_for 60 looked "$1" || not_ok "the trash is looked through on $1" "$(as admin health)"
}
looked() { as admin health -o json | jq -e --arg day "$1" '.trash_emptied_next > ($day + "T23:59:59Z")'; }
trash() { as admin "$1" list --trash --all -o jsonl | jq -c .id | sort -n | tr '\n' ' '; }
gone() { # NAME ENTITY ID
	unlike "$1 has left the trash" " $(trash "$2")" " $3 "
	exits "$1 is not there" 3 as admin "$2" show "$3"
	exits "and does not come back" 3 as admin "$2" restore "$3"
	exits "its history does" 0 as admin "$2" history "$3" -o json
	like "and says what happened" "$OUT" '"purge"'
}
stays() { like "$1 stays" " $(trash "$2")" " $3 "; }

# A customer with all that goes along.
K=$(as admin customer add name=走的公司 phone=0571-80000001 member_card_number=M-1 -o json | id_of)
K1=$(as admin contact add customer="$K" name=甲 mobile=13900000001 -o json | id_of)
as admin contact add customer="$K" name=乙 mobile=13900000002 birthday=1980-02-03 >/dev/null 2>&1
as admin activity add customer="$K" subject=拜访 activity_type=visit >/dev/null 2>&1
as admin task add customer="$K" subject=跟进 due_on=today+300d >/dev/null 2>&1
as admin reminder add title=问候 record=customer:"$K" start_on=today+500d >/dev/null 2>&1
head -c 300000 /dev/urandom >"$DIR/file.bin"
as admin document add customer="$K" content=@"$DIR/file.bin" title=文件 >/dev/null 2>&1
delete customer "$K"
# With money on it.
M=$(as admin customer add name=买过的公司 phone=0571-80000002 -o json | id_of)
M1=$(as admin contact add customer="$M" name=丙 mobile=13900000003 -o json | id_of)
as admin sale add customer="$M" product_name=x unit_price=10 quantity=1 >/dev/null 2>&1
delete customer "$M"
# Named by one that is kept; by each other; by more than go in one piece.
R=$(as admin customer add name=雇主 phone=0571-80000003 -o json | id_of)
E=$(as admin customer add name=雇员 phone=0571-80000004 employer="$R" -o json | id_of)
delete customer "$R"
A=$(as admin customer add name=互指甲 phone=0571-80000005 -o json | id_of)
B=$(as admin customer add name=互指乙 phone=0571-80000006 employer="$A" -o json | id_of)
as admin customer set "$A" employer="$B" >/dev/null 2>&1
delete customer "$A"
delete customer "$B"
L=$(as admin customer add name=许多 phone=0571-80000007 -o json | id_of)
awk -v c="$L" 'BEGIN { print "customer,subject,activity_type"; for (i = 1; i <= 520; i++) print c ",第" i "次,visit" }' >"$DIR/many.csv"
as admin activity import "$DIR/many.csv" >"$DIR/many.out" 2>&1 || cat "$DIR/many.out"
MANY=$(as admin activity count "customer = $L")
delete customer "$L"
# Deleted alone; merged; undone.
P=$(as admin customer add name=留下的 phone=0571-80000008 -o json | id_of)
P1=$(as admin contact add customer="$P" name=丁 mobile=13900000004 -o json | id_of)
N1=$(as admin note add record=contact:"$P1" title=记事 -o json | id_of)
N2=$(as admin note add record=contact:"$P1" title=先删的 -o json | id_of)
delete note "$N2"
delete contact "$P1"
P2=$(as admin contact add customer="$P" name=戊 mobile=13900000005 -o json | id_of)
N3=$(as admin note add record=contact:"$P2" title=留着的 -o json | id_of)
delete note "$N3"
delete contact "$P2"
as admin note restore "$N3" >/dev/null 2>&1
G=$(as admin customer add name=并入的 phone=0571-80000009 customer_number=OLD-1 -o json | id_of)
as admin customer merge "$P" "$G" >/dev/null 2>&1
printf 'external_id,name,phone\nx-1,撤销甲,0571-80000011\nx-2,撤销乙,0571-80000012\n' >"$DIR/x.csv"
as admin undo "$(as admin customer import "$DIR/x.csv" -o json 2>/dev/null | jq .operation)" >/dev/null 2>&1
is "the trash is full" "$(as admin customer count --trash)" 9
is "of many" "$MANY" 520

at 2026-03-01
is "after 60 days nothing has gone" "$(as admin customer count --trash)" 9
Y=$(as admin customer add name=后来删的 phone=0571-80000013 -o json | id_of)
delete customer "$Y"

at 2026-04-05
gone "a customer" customer "$K"
gone "its contact" contact "$K1"
gone "a contact that was deleted alone" contact "$P1"
gone "a note on it" note "$N1"
gone "a note on it that was deleted before it" note "$N2"
gone "two that name each other" customer "$A"
gone "the other of them" customer "$B"
gone "one that many name" customer "$L"
is "its many" "$(as admin activity count --trash)" 0
is "documents too" "$(as admin document count --trash)" 0
stays "one with money on it" customer "$M"
stays "what would come back with it" contact "$M1"
stays "one that a kept one names" customer "$R"
stays "one that a kept note is about" contact "$P2"
stays "a merged one" customer "$G"
stays "one deleted later" customer "$Y"
is "and nobody else" "$(as admin customer count --trash)" 4
is "the merged id means the survivor" "$(as admin customer show "$G" -o json 2>/dev/null | jq .id)" "$P"
exits "a customer with money comes back" 0 as admin customer restore "$M"
is "with its contact and its sale" "$(as admin contact count "customer = $M") $(as admin sale count "customer = $M")" "1 1"
exits "check finds nothing" 0 "$D" check -D "$DIR/srv"
like "and no file" "$OUT" '0 files|files: 0|, 0 file'
is "health counts what has gone" "$(as admin health -o json | jq -r '.trash_purged | tonumber > 530')" true

# A reference that an undo would bring back.
OP=$(as admin customer set "$E" employer= -o json 2>&1 >/dev/null | grep -o 'undo [0-9]*' | grep -o '[0-9]*')
at 2026-04-07
gone "one that nobody names any more" customer "$R"
exits "a change that named it" 5 as admin undo "$OP"
like "is not taken back" "$ERR" "customer \"$R\" has left the trash for good"
is "its id is not given again" "$(as admin customer add name=新的 phone=0571-80000021 -o json | jq ".id > $Y")" true

# The setting, and its floor.
as admin setting set trash.days value=1 >/dev/null 2>&1
Z=$(as admin customer add name=刚删的 phone=0571-80000022 -o json | id_of)
delete customer "$Z"
at 2026-04-27
gone "one that 57 days are enough for" customer "$Y"
stays "one of 20 days, whatever the setting" customer "$Z"
server_kill
set_clock 2026-05-10T08:00:00Z
LISTEN=$ADDRESS server_start --clock "$DIR/clock"
wait_for 60 looked 2026-05-10 || not_ok "the trash is looked through" "$(as admin health)"
gone "after 33 days it" customer "$Z"
server_stop
exits "check afterwards" 0 "$D" check -D "$DIR/srv"
test_end
