#!/usr/bin/python3
"""kill -9 under writing clients: no acknowledged write is lost, none stands by half, the store checks clean.

Usage: kill9.py [ROUNDS] [CLIENTS]. A round counts only when at least one unanswered write was killed.
"""

import hashlib
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
TRIED = {kind: [0, 0] for kind in ("merged", "imports", "families", "files", "fields")}  # [sent, without an answer]
SEED = int(os.environ.get("SEED", "7"))


class Journal:
    """What one client sent and what it was told."""

    def __init__(self):
        self.versions = {}  # id -> (phone acknowledged, version)
        self.pending = {}   # id -> phones sent without an answer
        self.deleted = set()
        self.maybe_deleted = set()
        self.merged = {}    # id that goes -> (id that stays, answered)
        self.imports = []   # [external ids, answered]
        self.families = []  # [customer, contact, deletion answered]
        self.files = []     # [document's title, SHA-256, answered]
        self.fields = []    # [name, answered]
        self.faults = []
        self.unanswered = 0
        self.acknowledged = 0


def merge(session, journal, live, rng):
    stays, goes = rng.sample(live, 2)
    journal.merged[goes] = (stays, False)
    reply = session.call("record.merge", "customer", [stays, goes])
    journal.merged[goes] = (stays, True)
    journal.versions[stays] = (journal.versions[stays][0], reply.record[0].version)


def import_rows(session, journal, number):
    ids = [f"{number}-{row}" for row in range(5)]
    journal.imports.append([ids, False])
    frame = pb.Frame()
    r = frame.request
    r.id, r.op, r.entity = session.next_id, b"import.rows", b"customer"
    session.next_id += 1
    r.column.extend([b"external_id", b"name", b"phone"])
    for line, one in enumerate(ids):
        r.row.add(line=line + 2).cell.extend([one.encode(), f"导入{one}".encode(), b"10086"])
    session.send(frame)
    session.finish(r.id)
    journal.imports[-1][1] = True


def family(session, journal, number):
    """A customer that goes with its contact."""
    parent = session.call("record.add", "customer", fields={"name": f"家{number}", "phone": "10086"}).record[0].id
    child = session.call("record.add", "contact", fields={"customer": parent, "name": f"子{number}"}).record[0].id
    journal.families.append([parent, child, False])
    session.call("record.delete", "customer", parent)
    journal.families[-1][2] = True


def upload(session, journal, number, rng):
    data = rng.randbytes(rng.choice([10, 5000, 250_000]))
    digest = hashlib.sha256(data).hexdigest()
    file = next(v.value for v in session.call("file.begin", "document", args={"field": "content", "name": "x"}).value if v.name == b"file")
    for at in range(0, len(data), 192 * 1024):
        session.call("file.append", args={"file": file, "offset": at}, data=data[at:at + 192 * 1024])
    session.call("file.finish", args={"file": file, "sha256": digest})
    parent = session.call("record.add", "customer", fields={"name": f"件主{number}", "phone": "10086"}).record[0].id
    journal.files.append([f"件{number}", digest, False])
    session.call("record.add", "document", fields={"customer": parent, "title": f"件{number}", "content": f"upload:{digest}"})
    journal.files[-1][2] = True


def add_field(session, journal, number):
    name = "f" + number.replace("-", "_")
    journal.fields.append([name, False])
    session.call("record.add", "custom_field", fields={"entity": "customer", "field": name, "type": "text", "label_zh": name, "label_en": name, "indexed": "yes"})
    journal.fields[-1][1] = True


def write_more(session, journal, live, number, rng):
    """What spans records."""
    what = rng.random()
    if what < 0.3 and len(live) > 1:
        merge(session, journal, live, rng)
    elif what < 0.55:
        import_rows(session, journal, number)
    elif what < 0.75:
        family(session, journal, number)
    elif what < 0.93:
        upload(session, journal, number, rng)
    else:
        add_field(session, journal, number)


def write(session, journal, number, rng):
    """One write, journalled before and after."""
    live = [i for i in journal.versions if i not in journal.deleted and i not in journal.maybe_deleted and i not in journal.merged]
    what = rng.random()
    phone = "0571-%08d" % rng.randrange(10**8)
    if what < 0.3 and number.split("-")[1] != "1":
        write_more(session, journal, live, number, rng)
    elif what < 0.65 or not live:
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
            journal.faults.append(repr(r))
            return


def there(session, entity, ident):
    """The id under which the record is there; 0: it is not."""
    try:
        return session.call("record.get", entity, ident).record[0].id
    except Refused:
        return 0


def verify_files(session, journal):
    for title, digest, answered in journal.files:
        found = session.call("record.list", "document", filter=f"title = {title}").record
        if len(found) != 1 and (answered or found):
            yield f"document {title} is there {len(found)} times"
        for record in found:
            data, more = b"", True
            while more:
                more = session.call("file.read", "document", record.id, args={"offset": len(data)}).data if len(data) % (192 * 1024) == 0 else b""
                data += more
            if hashlib.sha256(data).hexdigest() != digest:
                yield f"document {title} has other bytes"


def means(journal, ident):
    """What a customer's id may find: itself, who it was merged into, and so on; 0: nothing."""
    if ident in journal.merged:
        stays, answered = journal.merged[ident]
        return means(journal, stays) | (set() if answered else {ident})
    if ident in journal.deleted:
        return {0}
    return {ident, 0} if ident in journal.maybe_deleted else {ident}


def verify_more(session, journal):
    wrong = list(verify_files(session, journal))
    for goes, (stays, answered) in journal.merged.items():
        now = there(session, "customer", goes)
        if now not in means(journal, goes):
            wrong.append(f"customer {goes}, merged into {stays}, is {now}")
    for ids, answered in journal.imports:
        n = session.call("record.count", "customer", filter=f"external_id in ({', '.join(ids)})").count
        if n != len(ids) and (answered or n):
            wrong.append(f"{n} of {len(ids)} rows of an import stand")
    for parent, child, answered in journal.families:
        left = (there(session, "customer", parent) != 0, there(session, "contact", child) != 0)
        if left not in (((False, False),) if answered else ((False, False), (True, True))):
            wrong.append(f"customer {parent} and contact {child} stand by half: {left}")
    for name, answered in journal.fields:
        known = session.call("record.count", "custom_field", filter=f"field = {name}").count
        if known != 1 and (answered or known):
            wrong.append(f"field {name} is there {known} times")
        if known:
            session.call("record.count", "customer", filter=f"{name} = x")
    return wrong


def verify(server, journals):
    """Compares the store with what was acknowledged; returns what is wrong."""
    wrong = []
    session = Session(server.address, server.ca)
    session.login("admin", PASSWORD)
    for journal in journals:
        wrong += verify_more(session, journal)
        for i, (phone, version) in journal.versions.items():
            if i in journal.merged:
                continue
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
        goal = rng.randrange(5, 200)
        while sum(j.acknowledged for j in journals) < goal and not any(j.faults for j in journals):
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.02))
        server.kill()
        stop.set()
        for t in threads:
            t.join()
        unanswered = sum(j.unanswered for j in journals)
        for kind in TRIED:
            for j in journals:
                TRIED[kind][0] += len(getattr(j, kind))
                TRIED[kind][1] += sum(not (v if isinstance(v, tuple) else one)[-1] for one, v in
                                      (getattr(j, kind).items() if kind == "merged" else [(x, None) for x in getattr(j, kind)]))
        faults = [f for j in journals for f in j.faults]
        if faults:
            return unanswered, faults
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
    print("# " + ", ".join(f"{n} {kind}, {cut} cut off" for kind, (n, cut) in TRIED.items()))
    tap.ok(f"{counted} rounds of kill -9 under {CLIENTS} writing clients: nothing lost, nothing half, check clean "
           f"({time.monotonic() - acknowledged:.0f} s)", not tap.failed and counted == ROUNDS, f"{counted} of {ROUNDS} counted")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
