#!/usr/bin/python3
"""Calendars that the client writes, read by a strict reader of iCalendar and expanded by another's rules: reminders, birthdays, tasks."""

import datetime
import os
import subprocess
import sys

import icalendar
from dateutil import rrule

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Session
from server import BIN, PASSWORD, Server, Tap

tap = Tap()


def guanxi(server, *args):
    env = {**os.environ, "GUANXI_CONFIG_DIR": os.path.join(server.dir, "profile"), "GUANXI_LANG": "en"}
    done = subprocess.run([os.path.join(BIN, "guanxi"), *args], capture_output=True, env=env)
    return done.returncode, done.stdout, done.stderr.decode()


def calendar(server, *args):
    code, out, said = guanxi(server, *args)
    if code:
        raise RuntimeError(said)
    tap.ok(f"{args[0]}: lines of at most 75 bytes that end in CRLF", all(len(line) <= 75 for line in out.split(b"\r\n")) and b"\n" not in out.replace(b"\r\n", b""))
    read = icalendar.Calendar.from_ical(out)
    tap.ok(f"{args[0]}: no error in any component", not any(c.errors for c in read.walk()), str([c.errors for c in read.walk() if c.errors]))
    events = {}
    for event in read.walk("VEVENT"):
        events.setdefault(str(event["SUMMARY"]), []).append(event)
    return read, events


def days(event, n):
    """The first days of a series as another library has them."""
    start = event["DTSTART"].dt
    if not isinstance(start, datetime.datetime):
        start = datetime.datetime.combine(start, datetime.time())
    return [str(d.date()) for d in list(rrule.rrulestr(event["RRULE"].to_ical().decode(), dtstart=start)[:n])]


def reminders(server, admin):
    def add(title, **fields):
        admin.call("record.add", "reminder", fields={"title": title, **fields})

    long = "很长的标题;带,逗号\\和反斜杠" * 6
    add(long, start_on="2030-12-01", time_of_day="08:30")
    add("31", start_on="2027-01-31", repeat="monthly", time_of_day="09:00", days_before="3,0")
    add("两周", start_on="2027-06-01", repeat="weekly", repeat_every="2")
    add("闰", start_on="2028-02-29", repeat="yearly")
    add("到期", start_on="2027-01-01", repeat="daily", repeat_until="2027-01-03")
    add("农历", start_on="lunar:08-15")
    add("规则", start_on="2027-01-29", rrule="FREQ=MONTHLY;BYDAY=-1FR")
    read, events = calendar(server, "reminder", "export", "--format", "ics")
    tap.is_("a calendar of version 2", (str(read["VERSION"]), "PRODID" in read), ("2.0", True))
    tap.ok("a long title comes back as it was", long in events, str(list(events)))
    start = events[long][0]["DTSTART"].dt
    tap.is_("at its local time, without a zone", (start, start.tzinfo), (datetime.datetime(2030, 12, 1, 8, 30), None))
    tap.is_("monthly on the 31st", days(events["31"][0], 5), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"])
    tap.is_("with its days ahead", [a["TRIGGER"].dt.days for a in events["31"][0].walk("VALARM")], [-3, 0])
    tap.is_("every two weeks", days(events["两周"][0], 3), ["2027-06-01", "2027-06-15", "2027-06-29"])
    tap.is_("29 February", days(events["闰"][0], 3), ["2028-02-29", "2029-02-28", "2030-02-28"])
    tap.is_("until its last day", days(events["到期"][0], 9), ["2027-01-01", "2027-01-02", "2027-01-03"])
    tap.is_("a rule of calendars as it is", days(events["规则"][0], 2), ["2027-01-29", "2027-02-26"])
    lunar = {str(e["DTSTART"].dt.date()): str(e["UID"]) for e in events["农历"]}
    table = {"2026-09-25", "2027-09-15", "2028-10-03", "2029-09-22", "2030-09-12", "2031-10-01"}
    tap.ok("a lunar one day by day", 4 <= len(lunar) <= 6 and lunar.keys() <= table | {"2032-09-19", "2033-09-08", "2034-09-27", "2035-09-16", "2036-10-04"}, str(lunar))
    tap.ok("without a rule", not any("RRULE" in e for e in events["农历"]))
    _, again = calendar(server, "reminder", "export", "--format", "ics")
    uids = [sorted(str(e["UID"]) for es in found.values() for e in es) for found in (events, again)]
    tap.ok("each with its own UID, the same every time", uids[0] == uids[1] and len(set(uids[0])) == len(uids[0]), str(uids))


def others(server, admin):
    customer = admin.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-88880000"}).record[0].id
    for name, birthday in {"张三": "1980-05-06", "闰二": "02-29", "李四": "lunar:1987-L06-01"}.items():
        admin.call("record.add", "contact", fields={"name": name, "customer": customer, "birthday": birthday})
    admin.call("record.add", "contact", fields={"name": "无", "customer": customer})
    _, events = calendar(server, "contact", "export", "-", "--format", "ics")
    tap.is_("birthdays of those who have one", sorted(events), sorted(["张三", "闰二", "李四"]))
    tap.is_("the whole day, every year", (str(events["张三"][0]["DTSTART"].dt), days(events["张三"][0], 2)), ("1980-05-06", ["1980-05-06", "1981-05-06"]))
    tap.ok("29 February of no year", all(d[5:] in ("02-28", "02-29") for d in days(events["闰二"][0], 8)), str(days(events["闰二"][0], 8)))
    tap.ok("a leap month day by day", len(events["李四"]) >= 4 and not any("RRULE" in e for e in events["李四"]))
    admin.call("record.add", "task", fields={"subject": "拜访", "customer": customer, "due_on": "2027-03-04", "due_time": "14:00"})
    done = admin.call("record.add", "task", fields={"subject": "完了", "customer": customer, "due_on": "2027-03-04"}).record[0].id
    admin.call("record.set", "task", done, fields={"state": "done"})
    path = os.path.join(server.dir, "tasks.ics")
    guanxi(server, "task", "export", path)
    with open(path, "rb") as f:
        events = [str(e["SUMMARY"]) for e in icalendar.Calendar.from_ical(f.read()).walk("VEVENT")]
    tap.is_("tasks that are open, by the name of the file", events, ["拜访"])
    code, _, said = guanxi(server, "product", "export", "-", "--format", "ics")
    tap.ok("what has no date has no calendar", code == 2 and "no date" in said, said)


def main():
    server = Server()
    try:
        server.start()
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        code, _, said = guanxi(server, "login", server.address, "-u", "admin", "--password-file", server.password_file, "--ca", server.ca)
        tap.is_("login", code, 0)
        reminders(server, admin)
        others(server, admin)
        server.stop()
    finally:
        server.remove()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
