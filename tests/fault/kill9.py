#!/usr/bin/python3
"""kill -9 under writing clients: no acknowledged write is lost, none stands by half, the store checks clean.

Usage: kill9.py [ROUNDS] [CLIENTS]. A round counts only when at least one unanswered write was killed.
"""

import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from guanxi_client import Closed, Refused, Session, pb
from server import PASSWORD, Server, Tap

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
CLIENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
SEED = int(os.environ.get("SEED", "7"))


class Journal:
    """What one client sent and what it was told."""

    def __init__(self):
        self.versions = {}  # id -> (phone acknowledged, version)
        self.pending = {}   # id -> phones sent without an answer
        self.deleted = set()
        self.maybe_deleted = set()
        self.unanswered = 0
        self.acknowledged = 0


def write(session, journal, number, rng):
    """One write, journalled before and after."""
    live = [i for i in journal.versions if i not in journal.deleted and i not in journal.maybe_deleted]
    what = rng.random()
    phone = "0571-%08d" % rng.randrange(10**8)
    if what < 0.6 or not live:
        reply = session.call("record.add", "customer", fields={"name": f"压测{number}", "phone": phone})
        journal.versions[reply.record[0].id] = (phone, reply.record[0].version)
    elif what < 0.9:
        i = rng.choice(live)
        journal.pending.setdefault(i, set()).add(phone)
        reply = session.call("record.set", "customer", i, {"phone": phone})
        journal.pending.pop(i)
        journal.versions[i] = (phone, reply.record[0].version)
    else:
        i = rng.choice(live)
        journal.maybe_deleted.add(i)
        session.call("record.delete", "customer", i)
        journal.deleted.add(i)
    journal.acknowledged += 1


def client(server, journal, seed, stop):
    rng = random.Random(seed)
    try:
        session = Session(server.address, server.ca)
        session.login("admin", PASSWORD)
    except (Closed, OSError):
        return
    number = 0
    while not stop.is_set():
        number += 1
        try:
            write(session, journal, f"{seed}-{number}", rng)
        except (Closed, OSError, TimeoutError):
            journal.unanswered += 1
            return
        except Refused as r:
            if r.code == pb.BUSY:
                continue
            raise


def verify(server, journals):
    """Compares the store with what was acknowledged; returns what is wrong."""
    wrong = []
    session = Session(server.address, server.ca)
    session.login("admin", PASSWORD)
    for journal in journals:
        for i, (phone, version) in journal.versions.items():
            try:
                got = session.decode("customer", session.call("record.get", "customer", i).record[0])
            except Refused:
                if i not in journal.maybe_deleted:
                    wrong.append(f"customer {i} is lost")
                continue
            if i in journal.deleted:
                wrong.append(f"customer {i} was deleted and is there")
            if got["phone"] != phone and got["phone"] not in journal.pending.get(i, ()):
                wrong.append(f"customer {i} has phone {got['phone']}, acknowledged was {phone}")
            if got["version"] < version:
                wrong.append(f"customer {i} went back to version {got['version']}")
            hits = session.call("record.list", "customer", filter=f'phone = "{got["phone"]}"', limit=1000).record
            if i not in [r.id for r in hits]:
                wrong.append(f"customer {i} is not in the index of phones")
    session.close()
    return wrong


def one_round(number, rng):
    server = Server()
    try:
        server.start()
        journals = [Journal() for _ in range(CLIENTS)]
        stop = threading.Event()
        threads = [threading.Thread(target=client, args=(server, j, number * 100 + n, stop)) for n, j in enumerate(journals)]
        for t in threads:
            t.start()
        while sum(j.acknowledged for j in journals) < 5:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.01, 0.3))
        server.kill()
        stop.set()
        for t in threads:
            t.join()
        unanswered = sum(j.unanswered for j in journals)
        code, text = server.check()
        if code:
            return unanswered, [f"check exits {code}: {text}"]
        server.start()
        return unanswered, verify(server, journals)
    finally:
        server.remove()


def main():
    tap, rng, counted, tries, acknowledged = Tap(), random.Random(SEED), 0, 0, time.monotonic()
    while counted < ROUNDS and tries < 2 * ROUNDS + 10:
        tries += 1
        unanswered, wrong = one_round(tries, rng)
        counted += unanswered > 0
        if wrong:
            tap.ok(f"round {tries}", False, "; ".join(wrong[:5]))
            break
    tap.ok(f"{counted} rounds of kill -9 under {CLIENTS} writing clients: nothing lost, nothing half, check clean "
           f"({time.monotonic() - acknowledged:.0f} s)", not tap.failed and counted == ROUNDS, f"{counted} of {ROUNDS} counted")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
