#!/usr/bin/python3
"""The promise of reminders under kill -9: each reaches its user, only its user, in order, and never again once acknowledged.

Usage: reminders_kill9.py [KILLS] [USERS] [REMINDERS]. Reminders, tasks and birthdays of several users fall due while business time goes
on; the users' clients watch, acknowledge and are cut off at random; the server is killed at random, also while time goes on without
it. Clients resume after the last number they have kept, which may be one behind what they handled.
"""

import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from guanxi_client import Closed, Refused, Session, pb
from server import PASSWORD, Server, Tap

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
USERS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
EACH = int(sys.argv[3]) if len(sys.argv) > 3 else 100
SEED = int(os.environ.get("SEED", "11"))
START, END = 8 * 60, 13 * 60  # minutes of the day in Shanghai


class User:
    """One user's client: what it saw, what it acknowledged, what it holds against the server."""

    def __init__(self, server, number):
        self.server = server
        self.name = f"u{number}"
        self.rng = random.Random(SEED * 1000 + number)
        self.expected = set()
        self.seen = {}          # title -> id of the reminder
        self.handled = 0        # seq of the last event handled
        self.kept = 0           # what the client finds again after a crash of its own
        self.acknowledged = set()
        self.cleared = set()
        self.duplicates = self.connections = 0
        self.wrong = []
        self.thread = None
        self.stop = False

    def blame(self, text):
        self.wrong.append(f"{self.name}: {text}")

    def acknowledge(self, session, event):
        session.call("reminder.acknowledge", record=event.record.id)
        self.acknowledged.add(event.record.id)

    def handle(self, session, event):
        title = event.title.decode()
        if event.seq <= self.handled:
            self.duplicates += 1
        self.handled = max(self.handled, event.seq)
        if event.kind == b"cleared":
            self.cleared.add(event.record.id)
        elif event.kind == b"reminder":
            if title not in self.expected:
                self.blame(f"got {title!r} of somebody else")
            if event.record.id in self.acknowledged:
                self.blame(f"got {title!r} again after it was acknowledged")
            if self.seen.setdefault(title, event.record.id) != event.record.id:
                self.blame(f"got {title!r} under two numbers")
            if self.rng.random() < 0.5:
                self.acknowledge(session, event)

    def follow(self, session):
        """Handles events until the line breaks or is broken off."""
        last = self.kept
        session.call("watch", args={"since": last} if self.connections else {})
        self.connections += 1
        while not self.stop:
            while session.events:
                event = session.events.pop(0)
                if event.kind == b"closing":
                    return
                if event.prev != last or event.seq <= last:
                    self.blame(f"event {event.seq} ({event.kind.decode()}) after {last} says prev {event.prev}")
                last = event.seq
                self.kept = self.handled if self.rng.random() < 0.8 else self.kept
                self.handle(session, event)
                if self.rng.random() < 0.02:
                    return
            try:
                session.take(session.read_frame(0.05))
            except TimeoutError:
                self.kept = self.handled

    def run(self):
        while not self.stop:
            session = None
            try:
                session = Session(self.server.address, self.server.ca)
                session.login(self.name, PASSWORD)
                self.follow(session)
            except (Closed, OSError, TimeoutError):
                time.sleep(0.02)
            except Refused as why:
                if why.code != pb.BUSY:
                    self.blame(str(why))
                    return
            except Exception as why:
                self.blame(repr(why))
                raise
            finally:
                if session:
                    session.close()

    def start(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()


def make_user(server, admin, number):
    user = User(server, number)
    added = admin.call("record.add", "user", fields={
        "username": user.name, "name": user.name, "roles": "sales", "branch": "main"}).record[0].id
    invite = {v.name.decode(): v.value for v in admin.call("user.invite", record=added).value}
    session = Session(server.address, server.ca)
    session.call("session.join", args={"code": invite["code"], "password": PASSWORD})
    customer = session.call("record.add", "customer", fields={"name": f"公司{user.name}", "phone": f"0571-{number:08d}"}).record[0].id
    rng, open_ids = user.rng, []
    for n in range(EACH):
        title, minute = f"{user.name}-{n}", rng.randrange(START + 1, END)
        at = f"{minute // 60:02d}:{minute % 60:02d}"
        if n % 10 == 0:
            made = ("contact", {"name": title, "customer": customer, "birthday": rng.choice(("11-23", "1980-11-26"))})
        elif n % 10 == 1:
            made = ("task", {"subject": title, "customer": customer, "due_on": "2026-11-23", "due_time": at})
        else:
            made = ("reminder", {"title": title, "start_on": "2026-11-23", "time_of_day": at})
        open_ids.append(session.start("record.add", made[0], fields=made[1]))
        user.expected.add(title)
        if len(open_ids) == 20:
            while open_ids:
                session.finish(open_ids.pop(0))
    for i in open_ids:
        session.finish(i)
    session.close()
    return user


def local(minute):
    return f"2026-11-{23 if minute >= 480 else 22}T{(minute // 60 - 8) % 24:02d}:{minute % 60:02d}:00Z"


def trouble(server, rng):
    """Time goes on, the server dies; returns what check says wrong in between."""
    minute, wrong = START, []
    for kill in range(KILLS):
        until = START + (END - START) * (kill + 1) // KILLS
        while minute < until:
            minute = min(until, minute + rng.randrange(1, 5))
            server.set_clock(local(minute))
            time.sleep(rng.uniform(0, 0.04))
            if minute >= until - 3 and server.process.poll() is None:
                server.kill()
        if server.process.poll() is None:
            server.kill()
        if kill % 5 == 0:
            code, text = server.check()
            if code:
                wrong.append(f"check after kill {kill}: {text}")
        server.start()
        time.sleep(rng.uniform(0, 0.3))
    server.set_clock(local(END))
    return wrong


def settle(users):
    """Waits until everybody has everything, at most half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end and any(u.expected - set(u.seen) and not u.wrong for u in users):
        time.sleep(0.05)
    for u in users:
        u.stop = True
    for u in users:
        u.thread.join()
        missing = sorted(u.expected - set(u.seen))
        if missing:
            u.blame(f"never got {len(missing)}: {', '.join(missing[:5])}")
        if u.duplicates > u.connections:
            u.blame(f"{u.duplicates} duplicates over {u.connections} connections")


def compare(server, admin, users):
    """The records, the counts of health and what a new client is sent agree with what the clients were told."""
    wrong = []
    health = {v.name.decode(): v.value.decode() for v in admin.call("health").value}
    waiting = 0
    for u in users:
        session = Session(server.address, server.ca)
        session.login(u.name, PASSWORD)
        session.call("watch")
        session.call("ping")
        again = set()
        try:
            while True:
                session.take(session.read_frame(0.3))
        except TimeoutError:
            again = {e.record.id for e in session.events if e.kind == b"reminder"}
        if again & u.acknowledged:
            wrong.append(f"{u.name}: a new client gets what was acknowledged")
        lost = set(u.seen.values()) - u.acknowledged - u.cleared - again
        if lost:
            wrong.append(f"{u.name}: {len(lost)} not acknowledged and not sent to a new client")
        waiting += len(again)
        session.close()
    if health["reminders_due_now"] != "0":
        wrong.append(f"{health['reminders_due_now']} due and not fired")
    if health["reminders_unacknowledged"] != str(waiting):
        wrong.append(f"health counts {health['reminders_unacknowledged']} unacknowledged, clients {waiting}")
    return wrong


def main():
    tap, rng, began = Tap(), random.Random(SEED), time.monotonic()
    server = Server(clock=local(START))
    try:
        server.start()
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        users = [make_user(server, admin, n) for n in range(USERS)]
        for u in users:
            u.start()
        wrong = trouble(server, rng)
        settle(users)
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        wrong += sum((u.wrong for u in users), []) + compare(server, admin, users)
        server.stop()
        code, text = server.check()
        tap.ok("the store checks clean", code == 0, text)
        tap.ok(f"{USERS * EACH} reminders of {USERS} users over {KILLS} kills and {sum(u.connections for u in users)} connections: "
               f"each reached its user, {sum(u.duplicates for u in users)} twice, none after its acknowledgement "
               f"({time.monotonic() - began:.0f} s)", not wrong, "; ".join(wrong[:8]))
    finally:
        server.remove()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
