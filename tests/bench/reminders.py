#!/usr/bin/python3
"""Reminders under load: many birthdays due in the same minute while many clients watch, other requests meanwhile; then one reminder to one of
them; then one among many that are planned. Usage: reminders.py [CLIENTS] [BIRTHDAYS] [PLANNED]; prints what was measured as rows of RESULTS.md.

The clients are one process and the requests beside them another, on the machine of the server: what is measured includes theirs. The
second part starts the server anew on the real clock and waits for the next whole minute.
"""

import datetime
import multiprocessing
import os
import selectors
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from guanxi_client import Session, pb
from server import PASSWORD, Server

CLIENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
BIRTHDAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
PLANNED = int(sys.argv[3]) if len(sys.argv) > 3 else 100000
PIPELINE = 50


def row(what, value, unit, limit=""):
    print(f"| {what} | {value} | {unit} | {limit} |", flush=True)


def many(session, requests):
    """Sends requests with some of them under way; the replies in their order."""
    waiting, replies = [], []
    for one in requests:
        waiting.append(session.start(*one[0], **one[1]))
        if len(waiting) == PIPELINE:
            replies += [session.finish(i, 120) for i in waiting]
            waiting = []
    return replies + [session.finish(i, 120) for i in waiting]


def make(server, admin):
    """Users, each with a customer and contacts whose birthday is the same day."""
    setting = admin.call("record.list", "setting", filter="name = birthday.days_before").record[0].id
    admin.call("record.set", "setting", setting, fields={"value": "0"})
    users = [r.record[0].id for r in many(admin, [(("record.add", "user"), {"fields": {
        "username": f"u{n}", "name": f"u{n}", "roles": "sales", "branch": "main"}}) for n in range(CLIENTS)])]
    codes = [next(v.value for v in r.value if v.name == b"code") for r in many(admin, [(("user.invite",), {"record": u}) for u in users])]
    customers = [r.record[0].id for r in many(admin, [(("record.add", "customer"), {"fields": {
        "name": f"公司{n}", "phone": f"0571-{n:08d}", "owner": u}}) for n, u in enumerate(users)])]
    many(admin, [(("record.add", "contact"), {"fields": {
        "name": f"联系人{n}", "customer": customers[n % CLIENTS], "birthday": "11-24"}}) for n in range(BIRTHDAYS)])
    return codes, customers


def probe(address, ca, ids, ready, stop, out):
    """Reads records all the time; hands back how long each took, in ms."""
    session = Session(address, ca)
    session.login("admin", PASSWORD)
    took, n = [], 0
    ready.set()
    while not stop.is_set():
        begin = time.monotonic()
        session.call("record.get", "customer", ids[n % len(ids)])
        took.append((begin, (time.monotonic() - begin) * 1000))
        n += 1
        time.sleep(0.002)
    out.put(took)


def frames(buffer):
    at = 0
    while len(buffer) - at >= 4:
        (length,) = struct.unpack_from(">I", buffer, at)
        if len(buffer) - at < 4 + length:
            break
        frame = pb.Frame()
        frame.ParseFromString(buffer[at + 4:at + 4 + length])
        yield frame
        at += 4 + length
    del buffer[:at]


def watch_all(sessions):
    """A selector over all sessions, each watching; buffers by session."""
    selector = selectors.DefaultSelector()
    for s in sessions:
        s.call("watch")
        s.sock.setblocking(False)
        selector.register(s.sock, selectors.EVENT_READ, (s, bytearray(s.buffer)))
    return selector


def receive(selector, until, each):
    """Hands every reminder to each(session, event, when) until that says it is enough."""
    while time.monotonic() < until:
        for key, _ in selector.select(0.2):
            session, buffer = key.data
            try:
                while True:
                    buffer += session.sock.recv(262144)
            except (BlockingIOError, OSError):
                pass
            now = time.time()
            for frame in frames(buffer):
                if frame.HasField("event") and frame.event.kind == b"reminder" and each(session, frame.event, now):
                    return


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else 0


def memory(server):
    with open(f"/proc/{server.process.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("RssAnon"))


def cpu(server):
    with open(f"/proc/{server.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def all_at_once(server, codes, customers):
    sessions = []
    for code in codes:
        s = Session(server.address, server.ca)
        s.call("session.join", args={"code": code, "password": PASSWORD})
        sessions.append(s)
    selector = watch_all(sessions)
    ready, stop, out = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    beside = multiprocessing.Process(target=probe, args=(server.address, server.ca, customers, ready, stop, out))
    beside.start()
    ready.wait()
    time.sleep(1)
    seen, lags, last = {}, [], [0.0]

    def each(session, event, when):
        seen[event.record.id] = seen.get(event.record.id, 0) + 1
        lags.append(event.lag_us / 1000)
        last[0] = time.monotonic()
        return len(seen) >= BIRTHDAYS

    before, used = memory(server), cpu(server)
    begin = time.monotonic()
    server.set_clock("2026-11-24T01:00:00Z")
    receive(selector, begin + 120, each)
    row(f"{BIRTHDAYS:,} birthdays in one minute to {len(sessions):,} clients: all received after", f"{last[0] - begin:.2f}", "s", 10)
    row("... received, sent more than once", f"{len(seen):,}, {sum(n > 1 for n in seen.values())}", "", f"{BIRTHDAYS:,}, 0")
    row("... from firing to sending, p99", f"{percentile(lags, .99):.0f}", "ms")
    time.sleep(1)
    stop.set()
    took = out.get()
    beside.join()
    meanwhile = [ms for at, ms in took if begin <= at <= last[0]]
    row("... reads of another session meanwhile, p99", f"{percentile(meanwhile, .99):.1f}", "ms", 250)
    row("... and otherwise", f"{percentile([ms for at, ms in took if at > last[0]], .99):.1f}", "ms")
    row("... CPU of the server", f"{cpu(server) - used:.2f}", "s")
    row("... private memory of the server before, after", f"{before:.0f}, {memory(server):.0f}", "MiB")
    for s in sessions:
        s.close()


def one_to_one(server):
    sessions = []
    for n in range(CLIENTS):
        s = Session(server.address, server.ca)
        s.login(f"u{n}", PASSWORD)
        sessions.append(s)
    chosen = sessions[CLIENTS // 2]
    selector = watch_all([s for s in sessions if s is not chosen])
    chosen.call("watch")
    chosen.sock.settimeout(1)
    chosen.events.clear()
    delays, others, titles = [], [], set()
    for _ in range(2):
        now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
        due = (now + datetime.timedelta(minutes=1, seconds=5)).replace(second=0, microsecond=0)
        titles.add(due.isoformat().encode())
        chosen.call("record.add", "reminder", fields={"title": due.isoformat(), "start_on": due.date().isoformat(), "time_of_day": due.strftime("%H:%M")})
        while True:
            try:
                event = chosen.event(10)
            except TimeoutError:
                for s in sessions:  # whoever is silent is hung up on
                    s.start("ping")
                continue
            when = time.time()
            if event.title.decode() == due.isoformat():
                break
        delays.append((when - due.timestamp()) * 1000)
    # what waits from the first part comes again to everybody
    receive(selector, time.monotonic() + 2, lambda s, event, when: others.append(event) if event.title in titles else None)
    row(f"one reminder to one user among {CLIENTS:,} clients: from due to received", ", ".join(f"{d:.1f}" for d in delays), "ms", 50)
    row("... received by others", len(others), "", 0)


def plan(session, first):
    """PLANNED reminders over ten years, some requests under way at a time."""
    waiting = []
    for at in range(0, PLANNED, 1000):
        days = [(n, first + datetime.timedelta(days=n % 3650)) for n in range(at, min(at + 1000, PLANNED))]
        waiting.append(session.start_rows("reminder", ("title", "start_on"), [(f"r{n}", day.isoformat()) for n, day in days]))
        if len(waiting) == 8:
            session.finish(waiting.pop(0), 120)
    for number in waiting:
        session.finish(number, 120)


def among_many_planned():
    """What a firing costs beside many that are planned for the years ahead."""
    server = Server()
    try:
        server.start()
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        user = admin.call("record.add", "user", fields={"username": "wang", "name": "wang", "roles": "sales", "branch": "main"})
        code = next(v.value for v in admin.call("user.invite", record=user.record[0].id).value if v.name == b"code")
        Session(server.address, server.ca).call("session.join", args={"code": code, "password": PASSWORD})
        alone = fired(server, "alone")
        day = datetime.date.today() + datetime.timedelta(days=30)
        before = memory(server)
        plan(admin, day)
        if admin.call("record.count", "reminder").count < PLANNED:
            raise RuntimeError("not all reminders were made")
        row(f"private memory of the server before {PLANNED:,} reminders were planned", f"{before:.0f}", "MiB")
        server.stop()
        server.start()
        row("... and with them, started anew", f"{memory(server):.0f}", "MiB")
        beside = fired(server, "beside")
        row("one firing alone, of 20: from due to received, CPU of the server", f"{alone[0]:.1f}, {alone[1]:.2f}", "ms")
        row("one firing beside them", f"{beside[0]:.1f}, {beside[1]:.2f}", "ms")
        row("private memory after", f"{memory(server):.0f}", "MiB")
        server.stop()
    finally:
        server.remove()


def fired(server, name):
    """Reminders that are due at once: the median of the delays, and CPU of each."""
    session = Session(server.address, server.ca)
    session.login("wang", PASSWORD)
    session.call("watch")
    delays, used = [], cpu(server)
    for n in range(20):
        title = f"{name}{n}"
        session.call("record.add", "reminder", fields={"title": title, "start_on": "today", "time_of_day": "00:00"})
        begin = time.monotonic()
        while session.event(60).title.decode() != title:
            pass
        delays.append((time.monotonic() - begin) * 1000)
    return percentile(delays, .5), (cpu(server) - used) * 1000 / 20


def main():
    server = Server(clock="2026-11-23T06:00:00Z")
    try:
        server.start()
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        begin = time.monotonic()
        codes, customers = make(server, admin)
        print(f"# made in {time.monotonic() - begin:.0f} s", flush=True)
        all_at_once(server, codes, customers)
        server.stop()
        server.extra = []
        server.start()
        one_to_one(server)
        server.stop()
    finally:
        server.remove()
    among_many_planned()


if __name__ == "__main__":
    main()
