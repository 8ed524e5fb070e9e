#!/usr/bin/python3
"""Makes tests/data/rrule.tsv: recurrence rules and their days as dateutil.rrule (Debian's python3-dateutil) has them.

usage: rrule_table.py > tests/data/rrule.tsv       No part of the tests: they read the table.
"""
import datetime
import random
import re

from dateutil.rrule import rrulestr

KNOWN = """
20261122 FREQ=DAILY
20261122 FREQ=DAILY;INTERVAL=10;COUNT=3
20261122 FREQ=DAILY;UNTIL=20261124
20261122 FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR
20261122 FREQ=DAILY;BYMONTH=1;INTERVAL=7
20261122 FREQ=WEEKLY
20261122 FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU
20261122 FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=MO
20261122 FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1
20270131 FREQ=MONTHLY
20270131 FREQ=MONTHLY;BYMONTHDAY=31
20270131 FREQ=MONTHLY;BYMONTHDAY=-1
20270131 FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1
20261122 FREQ=MONTHLY;BYDAY=-1FR
20261122 FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13
20261122 FREQ=MONTHLY;BYDAY=5MO
20261122 FREQ=MONTHLY;BYDAY=-5MO
20261122 FREQ=MONTHLY;BYDAY=2TU,-1TU
20261122 FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
20261122 FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;UNTIL=20270115
20261122 FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15;COUNT=10
20261122 FREQ=YEARLY
20240229 FREQ=YEARLY
20240229 FREQ=YEARLY;INTERVAL=2
20240229 FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1
20261122 FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO
20261122 FREQ=YEARLY;BYDAY=20MO
20261122 FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3,10
20261122 FREQ=YEARLY;BYDAY=53SA
20261122 FREQ=YEARLY;BYYEARDAY=1,100,200,-1
20261122 FREQ=YEARLY;BYYEARDAY=366
20261122 FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
20261122 FREQ=YEARLY;BYWEEKNO=53
20261122 FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;INTERVAL=4
20261122 FREQ=YEARLY;BYMONTH=1,6;BYSETPOS=2;BYDAY=TU
21991201 FREQ=MONTHLY;BYMONTHDAY=31
20261122 FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30
20261122 FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30
20261122 FREQ=DAILY;INTERVAL=7;BYDAY=MO
20261122 FREQ=MONTHLY;INTERVAL=12;BYMONTH=3
20261122 FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6
20261122 FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3
"""
DAYS = "MO TU WE TH FR SA SU".split()
LAST = datetime.datetime(2199, 12, 31)


def some(r, low, high, most, negative=True):
    values = {r.choice((1, 1, -1) if negative else (1,)) * r.randint(low, high) for _ in range(r.randint(1, most))}
    return ",".join(str(v) for v in sorted(values))


def weekdays(r, numbers):
    days = []
    for d in r.sample(DAYS, r.randint(1, 3)):
        n = r.randint(1, numbers) * r.choice((1, -1)) if numbers and r.random() < 0.5 else ""
        days.append(f"{n}{d}")
    return ",".join(days)


def made(r):
    freq = r.choice(("DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"))
    parts = [f"FREQ={freq}"]
    if r.random() < 0.5:
        parts.append(f"INTERVAL={r.choice((1, 2, 3, 4, 5, 7, 11, 13))}")
    if r.random() < 0.3:
        parts.append("BYMONTH=" + some(r, 1, 12, 3, negative=False))
    weeks = freq == "YEARLY" and r.random() < 0.2 and not any("INTERVAL" in p or "BYMONTH" in p for p in parts)
    if weeks:
        parts.append("BYWEEKNO=" + some(r, 1, 53, 3))
    if r.random() < 0.6:
        numbers = 0 if weeks or freq in ("DAILY", "WEEKLY") else 5 if freq == "MONTHLY" or "BYMONTH" in parts[-1] else 53
        parts.append("BYDAY=" + weekdays(r, numbers))
    if freq != "WEEKLY" and r.random() < 0.4 and not weeks:
        parts.append("BYMONTHDAY=" + some(r, 1, 31, 4))
    if freq == "YEARLY" and r.random() < 0.1 and not weeks:
        parts.append("BYYEARDAY=" + some(r, 1, 366, 4))
    if len(parts) > 1 and parts[-1].startswith("BY") and freq != "DAILY" and r.random() < 0.25 and not weeks:
        parts.append("BYSETPOS=" + some(r, 1, 4, 2))
    if r.random() < 0.3 and freq == "WEEKLY":
        parts.append("WKST=" + r.choice(DAYS))
    end = r.random()
    if end < 0.15:
        parts.append(f"COUNT={r.randint(1, 5)}")
    elif end < 0.3:
        parts.append(f"UNTIL={r.randint(2027, 2040)}{r.randint(1, 12):02}{r.randint(1, 28):02}")
    start = datetime.date(2026, 1, 1) + datetime.timedelta(r.randint(0, 1500))
    return start.strftime("%Y%m%d"), ";".join(parts)


def days(start, rule, most=5):
    first = datetime.datetime.strptime(start, "%Y%m%d")
    out = []
    for d in rrulestr(rule, dtstart=first):
        if d > LAST or len(out) == most:
            break
        out.append(d.strftime("%Y%m%d"))
    return out


def later(start, rule):
    """A day far on, and the first one of the rule from then."""
    first = datetime.datetime.strptime(start, "%Y%m%d")
    d = rrulestr(rule, dtstart=first).after(datetime.datetime(2077, 7, 7), inc=True)
    return d.strftime("%Y%m%d") if d and d <= LAST else "0"


def main():
    r = random.Random(20261122)
    rows = [line.split(" ") for line in KNOWN.split("\n") if line]
    seen = set()
    while len(rows) < 500:
        row = made(r)
        if row not in seen:
            seen.add(row)
            rows.append(row)
    print("# start\trule\tits first days, at most five\tthe first from 20770707 on, 0: none up to 2199")
    for start, rule in rows:
        if "BYWEEKNO" in rule and "BYDAY" not in rule:  # all the week there; by RFC 5545 (and libical) the weekday of the start
            continue
        days_by = re.search("BYDAY=([^;]*)", rule)
        if days_by and 0 < sum(len(d) == 2 for d in days_by[1].split(",")) < days_by[1].count(",") + 1:  # FR,-1MO: both at once there
            continue
        if "WEEKLY" in rule and "BYSETPOS" in rule and not rule.endswith("=-1"):  # counted there from the start, not from its week's first day
            continue
        print(start, rule, ",".join(days(start, rule)) or "0", later(start, rule), sep="\t")


main()
