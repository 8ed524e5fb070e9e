#!/bin/bash
# The calendar of working days: the decreed holidays come in by the ordinary import, once; a branch has days of its own; staff only read it.
. "$(dirname "$0")/../lib.sh"
test_begin
server_init && server_start && login admin
as admin branch add code=bj name=北京 >/dev/null 2>&1
user_add liu sales bj
FILE=$ROOT/deploy/holidays/cn-2026.csv
rows() { as admin calendar-day count "$@" -o json | jq -r '.count'; }

exits "a dry run of the holidays" 0 as admin calendar-day import "$FILE" --dry-run
exits "importing the holidays" 0 as admin calendar-day import "$FILE"
is "every row of the file" "$(rows)" "$(($(wc -l <"$FILE") - 1))"
is "days that are worked though they are weekend" "$(as admin calendar-day list 'working = yes' --sort day -o json | jq -r '.items[].day' | tr '\n' ' ')" \
	"2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10 "
is "National Day" "$(as admin calendar-day list 'label = 国庆节' -o json | jq -r '.items | length')" 7
as admin calendar-day import "$FILE" >/dev/null 2>&1
is "the same file again doubles nothing" "$(rows)" "$(($(wc -l <"$FILE") - 1))"
exits "a second row of a day" 7 as admin calendar-day add day=2026-10-01 working=yes
exits "a branch has its own" 0 as admin calendar-day add day=2026-10-01 working=yes branch=bj label=值班
exits "but one" 7 as admin calendar-day add day=2026-10-01 working=no branch=bj
exits "a day that does not exist" 6 as admin calendar-day add day=2026-02-30 working=no
exits "staff read the calendar" 0 as liu calendar-day list
exits "and do not change it" 4 as liu calendar-day add day=2026-12-25 working=no

exits "a rule finer than a day" 6 as liu reminder add title=x start_on=2026-11-27 'rrule=FREQ=HOURLY'
like "names the bad part" "$ERR" 'rrule is finer than a day: FREQ=HOURLY'
exits "a rule that never happens" 6 as liu reminder add title=x start_on=2026-11-27 'rrule=FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'
exits "the last Friday of the month, off holidays" 0 as liu reminder add title=例会 start_on=2099-01-01 'rrule=FREQ=MONTHLY;BYDAY=-1FR' workday=before
is "is planned" "$(as liu reminder list -o json | jq -r ".items[0].next_due_at")" 2099-01-30T01:00:00Z
server_stop
test_end
