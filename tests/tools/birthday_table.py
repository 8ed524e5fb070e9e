#!/usr/bin/python3
"""Makes tests/data/birthdays-1980-2100.tsv from tests/data/lunar-1900-2100.tsv alone: on which days 500 birthdays are kept.

usage: birthday_table.py > tests/data/birthdays-1980-2100.tsv       Knows nothing of the product: a second reading of its rules.
The rules: a birth in a leap month is kept in that leap month in years that have it, else in the plain month; a missing 30th is
the 29th; 29 February is 28 February in other years; with birthday_calendar lunar (or both) a date of birth is kept by its lunar day (or by both).
"""
import datetime
import pathlib
import random

FIRST, LAST = datetime.date(1980, 1, 1), datetime.date(2100, 12, 31)


def read_years():
    """(year, month, leap) -> (its first day, its length)"""
    months = {}
    for line in (pathlib.Path(__file__).parent.parent / "data" / "lunar-1900-2100.tsv").read_text().split("\n"):
        if not line or line[0] == "#":
            continue
        year, new_year, leap, lengths = line.split("\t")
        day, month, was_leap = datetime.date.fromisoformat(new_year), 0, True
        for bit in lengths:
            if month == int(leap) and month and not was_leap:
                was_leap = True
            else:
                month, was_leap = month + 1, False
            months[int(year), month, was_leap] = day, 29 + int(bit)
            day += datetime.timedelta(29 + int(bit))
    return months


MONTHS = read_years()


def solar(month, day):
    for year in range(FIRST.year, LAST.year + 1):
        try:
            yield datetime.date(year, month, day)
        except ValueError:
            yield datetime.date(year, month, day - 1)


def lunar(month, day, leap):
    for year in range(FIRST.year - 1, LAST.year + 1):
        first, length = MONTHS.get((year, month, leap)) or MONTHS[year, month, False]
        yield first + datetime.timedelta(min(day, length) - 1)


def lunar_of(date):
    for (_, month, leap), (first, length) in MONTHS.items():
        if first <= date < first + datetime.timedelta(length):
            return month, (date - first).days + 1, leap
    raise ValueError(date)


def births(r):
    """birthday, calendar, days"""
    seen = set()
    for text in ("02-29", "1972-02-29", "02-28", "03-01", "12-31", "01-01", "1979-12-31"):
        yield text, "as_entered", solar(int(text[-5:-3]), int(text[-2:]))
    for month in range(1, 13):  # both ends of each month, where months are short or missing
        for day in (1, 29, 30):
            yield f"lunar:{month:02}-{day:02}", "as_entered", lunar(month, day, False)
    for (year, month, leap), (_, length) in sorted(MONTHS.items()):  # every leap month that there was to be born in
        if leap and 1900 < year < 1980:
            for day in (1, 15, length):
                yield f"lunar:{year}-L{month:02}-{day:02}", "as_entered", lunar(month, day, True)
    for month in range(2, 12):
        yield f"lunar:L{month:02}-30", "as_entered", lunar(month, 30, True)
    while True:
        born = datetime.date(1901, 3, 1) + datetime.timedelta(r.randrange(28700))
        month, day, leap = lunar_of(born)
        kind = r.choice(("solar", "solar", "year", "lunar", "lunar", "lunar_year", "keep_lunar", "both"))
        if born in seen:
            continue
        seen.add(born)
        if kind == "solar":
            yield born.isoformat(), "as_entered", solar(born.month, born.day)
        elif kind == "year":
            yield born.isoformat()[5:], "as_entered", solar(born.month, born.day)
        elif kind == "lunar":
            yield f"lunar:{'L' * leap}{month:02}-{day:02}", "as_entered", lunar(month, day, leap)
        elif kind == "lunar_year":
            year = next(y for (y, m, l), (first, n) in MONTHS.items() if (m, l) == (month, leap) and first <= born < first + datetime.timedelta(n))
            yield f"lunar:{year}-{'L' * leap}{month:02}-{day:02}", "as_entered", lunar(month, day, leap)
        elif kind == "keep_lunar":
            yield born.isoformat(), "lunar", lunar(month, day, leap)
        else:
            yield born.isoformat(), "both", (d for days in (solar(born.month, born.day), lunar(month, day, leap)) for d in days)


def main():
    print("# birthday\tbirthday_calendar\tfirst day from 1980-01-01 on, then the days from each to the next, up to 2100-12-31")
    for n, (birthday, calendar, days) in enumerate(births(random.Random(2026))):
        if n == 500:
            break
        days = sorted({d for d in days if FIRST <= d <= LAST})
        gaps = [str((b - a).days) for a, b in zip(days, days[1:])]
        print(birthday, calendar, " ".join([days[0].strftime("%Y%m%d")] + gaps), sep="\t")


main()
