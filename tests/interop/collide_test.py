#!/usr/bin/python3
"""What spans records and transactions, at the same moment as others: merges, undo jobs, imports, uploads, fields and entries of
dictionaries that come and go under eight writers. One wins, nothing is lost, nothing stands by half, the store is sound."""

import hashlib
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Closed, Refused, pb
from server import Server, Tap, run_test
from world import code_of, connect, join

ROUNDS = 12
WRITERS = 8
tap = Tap()
server = Server()


def outcome(s, number):
    try:
        return pb.OK, s.finish(number, 60)
    except Refused as r:
        return r.code, r


def customer(s, name, **more):
    return s.call("record.add", "customer", fields={"name": name, "phone": "10086", **more}).record[0].id


def got(s, ident):
    return s.decode("customer", s.call("record.get", "customer", ident).record[0])


def two_merges(one, two):
    wrong = []
    for n in range(ROUNDS):
        a, b = customer(one, f"合甲{n}", city="杭州"), customer(one, f"合乙{n}", province="浙江")
        child = one.call("record.add", "contact", fields={"customer": b, "name": f"子{n}"}).record[0].id
        orders = ([a, b], [a, b]) if n % 2 else ([a, b], [b, a])
        first, second = one.start("record.merge", "customer", orders[0]), two.start("record.merge", "customer", orders[1])
        codes = sorted((outcome(one, first)[0], outcome(two, second)[0]))
        left, gone = got(one, a), got(one, b)
        live = one.call("record.count", "customer", filter=f"name in (合甲{n}, 合乙{n})").count
        parent = one.decode("contact", one.call("record.get", "contact", child).record[0])["customer"]
        if codes[0] != pb.OK or codes[1] == pb.OK or left["id"] != gone["id"] or live != 1 or parent != left["id"] or left.get("province") != "浙江" or left.get("city") != "杭州":
            wrong.append((codes, left, gone, live, parent))
    tap.ok("of two merges of the same records one merges", not wrong, wrong)


def merge_and_set(one, two):
    wrong = []
    for n in range(ROUNDS):
        a, b = customer(one, f"改甲{n}"), customer(one, f"改乙{n}")
        merge = one.start("record.merge", "customer", [a, b])
        change = two.start("record.set", "customer", b, {"city": f"城{n}"})
        codes = (outcome(one, merge)[0], outcome(two, change)[0])
        stands = got(one, b)
        if codes[0] != pb.OK or stands["id"] != a or (codes[1] == pb.OK) != (stands.get("city") == f"城{n}"):
            wrong.append((codes, stands))
    tap.ok("a change of a record that is merged meanwhile is not lost", not wrong, wrong)


def merge_and_child(one, two):
    wrong = []
    for n in range(ROUNDS):
        a, b = customer(one, f"添甲{n}"), customer(one, f"添乙{n}")
        merge = one.start("record.merge", "customer", [a, b])
        child = two.start("record.add", "contact", fields={"customer": b, "name": f"新{n}"})
        codes = (outcome(one, merge)[0], outcome(two, child)[0])
        found = one.call("record.list", "contact", filter=f"name = 新{n}").record
        parents = [one.decode("contact", r)["customer"] for r in found]
        if codes[0] != pb.OK or (codes[1] == pb.OK and parents != [a]) or (codes[1] != pb.OK and found):
            wrong.append((codes, parents, (a, b)))
    tap.ok("a contact that comes while its customer is merged is with the one that stays", not wrong, wrong)


class Writers:
    """Clients that add and change customers until they are told to end."""

    def __init__(self, word, fields, allowed):
        self.word = word
        self.stop, self.faults, self.done = threading.Event(), [], [0] * WRITERS
        self.threads = [threading.Thread(target=self.run, args=(n, fields, allowed)) for n in range(WRITERS)]
        for t in self.threads:
            t.start()

    def run(self, n, fields, allowed):
        s, count = connect(server), 0
        try:
            mine = customer(s, f"{self.word}{n}")
            while not self.stop.is_set():
                count += 1
                try:
                    s.call("record.set", "customer", mine, fields(n, count))
                except Refused as r:
                    if r.code not in allowed:
                        self.faults.append(repr(r))
                        return
                self.done[n] = count
        except Exception as why:
            self.faults.append(repr(why))
        finally:
            s.close()

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        return self.faults

    def until(self, more):
        """Waits until each has made so many steps more."""
        want = [d + more for d in self.done]
        while any(d < w for d, w in zip(self.done, want)) and not self.faults:
            self.threads[0].join(0.005)


def fields_come_and_go(one):
    writers = Writers("栏写", lambda n, count: {"city": f"城{count}", **({"extra_rank": count} if count % 2 else {})}, (pb.INVALID,))
    wrong = []
    field = one.call("record.add", "custom_field", fields={"entity": "customer", "field": "extra_rank", "type": "integer", "label_zh": "级别",
                                                           "label_en": "Rank", "indexed": "yes"}).record[0].id
    for _ in range(4):
        writers.until(4)
        if not one.call("record.count", "customer", filter="extra_rank > 0").count:
            wrong.append("no values")
        one.call("record.delete", "custom_field", field)
        writers.until(2)
        if code_of(lambda: one.call("record.count", "customer", filter="extra_rank > 0")) == pb.OK:
            wrong.append("a deleted field is asked for")
        one.call("record.restore", "custom_field", field)
    faults = writers.end()
    one.schema = None
    tap.is_("eight clients write on while a field comes and goes", faults, [])
    tap.ok("it is there when it is", not wrong, wrong)


def import_rows(s, entity, columns, rows, **args):
    frame = pb.Frame()
    r = frame.request
    r.id, r.op, r.entity = s.next_id, b"import.rows", entity.encode()
    s.next_id += 1
    r.column.extend(c.encode() for c in columns)
    for line, row in enumerate(rows):
        r.row.add(line=line + 2).cell.extend(str(c).encode() for c in row)
    for k, v in args.items():
        r.arg.add(name=k.encode(), value=str(v).encode())
    s.send(frame)
    return r.id


def undo_among_writers(one, two):
    rows = [[f"U{n}", f"撤销{n}", "10087"] for n in range(700)]
    operation = one.finish(import_rows(one, "customer", ["external_id", "name", "phone"], rows), 60).operation
    ids = [r.id for r in one.call("record.list", "customer", filter="external_id in (U1, U350, U699)", limit=3).record]
    writers = Writers("撤写", lambda n, count: {"city": f"城{count}"}, ())
    job = one.call("operation.undo", args={"operation": operation}).operation
    codes = set()
    state = b"running"
    while state == b"running":
        for ident in ids:
            codes.add(code_of(lambda: two.call("record.set", "customer", ident, {"province": "x"})))
            codes.add(code_of(lambda: two.call("record.add", "contact", fields={"customer": ident, "name": "并"})))
        state = {v.name: v.value for v in one.call("operation.state", args={"operation": job}).value}[b"state"]
    faults = writers.end()
    left = one.call("record.count", "customer", filter="name ~ 撤销").count
    tap.is_("writers of other records do not notice an undo job", faults, [])
    tap.ok("what it works on is busy or gone for others", codes <= {pb.OK, pb.BUSY, pb.NOT_FOUND, pb.INVALID}, codes)
    tap.ok("and it is all or nothing", (state, left) in ((b"done", 0), (b"refused", 700)), (state, left))


def leaver(one):
    """Who began an undo leaves while it runs: it comes to an end, whole."""
    one.call("record.add", "role", fields={"code": "clerk2", "label_zh": "录", "label_en": "Clerk", "scope": "branch", "rights": "customer.*"})
    for n in range(3):
        s = join(server, one, f"gone{n}", "clerk2", "1")
        rows = [[f"L{n}-{k}", f"离{n}号{k}", "10089"] for k in range(520)]
        operation = s.finish(import_rows(s, "customer", ["external_id", "name", "phone"], rows), 60).operation
        began = s.start("operation.undo", args={"operation": operation})
        left = one.start("record.set", "user", f"gone{n}", {"state": "left"}) if n else None
        job = None
        try:
            job = s.finish(began).operation
        except (Refused, Closed):
            pass
        if left:
            one.finish(left)
        state = b"running"
        while job and state == b"running":
            state = {v.name: v.value for v in one.call("operation.state", args={"operation": job}).value}[b"state"]
        count = one.call("record.count", "customer", filter=f"name ~ 离{n}号").count
        tap.ok("an undo ends whole when who began it leaves", (state, count) in ((b"done", 0), (b"refused", 520)) or not job, (state, count))


def same_import(one, two):
    wrong = []
    for n in range(ROUNDS):
        rows = [[f"I{n}-{k}", f"双{n}号{k}", "10088"] for k in range(20)]
        both = [import_rows(s, "customer", ["external_id", "name", "phone"], rows, key="external_id", on_conflict="skip") for s in (one, two)]
        answers = [s.finish(i, 60) for s, i in zip((one, two), both)]
        actions = sorted({r.action for r in a.row} for a in answers)
        if one.call("record.count", "customer", filter=f"name ~ 双{n}号").count != 20 or [{b"added"}, {b"skipped"}] not in (actions, actions[::-1]):
            wrong.append(actions)
        begun = [s.start("import.begin", "customer", args={"resume": f"r{n}"}) for s in (one, two)]
        numbers = {s.finish(i).operation for s, i in zip((one, two), begun)}
        if len(numbers) != 1:
            wrong.append(numbers)
        operation = numbers.pop()
        rows = [[f"J{n}-{k}", f"续{n}号{k}", "10088"] for k in range(20)]
        both = [import_rows(s, "customer", ["external_id", "name", "phone"], rows, operation=operation, **{"from": 0}) for s in (one, two)]
        answers = [s.finish(i, 60) for s, i in zip((one, two), both)]
        if {frozenset(r.action for r in a.row) for a in answers} != {frozenset([b"added"]), frozenset([b"done"])}:
            wrong.append([{r.action for r in a.row} for a in answers])
    tap.ok("of two imports of one file at once each row comes once", not wrong, wrong)


def uploads(one, two):
    wrong = []
    for n in range(ROUNDS):
        data = os.urandom(300)
        digest = hashlib.sha256(data).hexdigest()
        number = next(v.value for v in one.call("file.begin", "document", args={"field": "content", "name": "x"}).value if v.name == b"file")
        one.call("file.append", args={"file": number, "offset": 0}, data=data)
        both = [s.start("file.finish", args={"file": number, "sha256": digest}) for s in (one, two)]
        finished = [outcome(s, i)[0] for s, i in zip((one, two), both)]
        both = [s.start("record.add", "document", fields={"customer": 1, "title": f"件{n}", "content": f"upload:{digest}"}) for s in (one, two)]
        taken = sorted(outcome(s, i)[0] for s, i in zip((one, two), both))
        if pb.OK not in finished or pb.INTERNAL in finished or taken != [pb.OK, pb.INVALID]:
            wrong.append((finished, taken))
        number = next(v.value for v in one.call("file.begin", "document", args={"field": "content", "name": "x"}).value if v.name == b"file")
        one.call("file.append", args={"file": number, "offset": 0}, data=data)
        codes = [outcome(s, i)[0] for s, i in ((one, one.start("file.finish", args={"file": number, "sha256": digest})),
                                               (two, two.start("file.cancel", args={"file": number})))]
        if pb.INTERNAL in codes or pb.OK not in codes:
            wrong.append(codes)
    tap.ok("an upload that is finished, taken and dropped twice at once is one file or none", not wrong, wrong)


def entries(one, two):
    wrong = []
    for n in range(ROUNDS):
        entry = one.call("record.add", "dictionary_entry", fields={"dictionary": "industry", "code": f"e{n}", "label_zh": f"业{n}", "label_en": f"I {n}"}).record[0].id
        ident = customer(one, f"典{n}")
        delete = one.start("record.delete", "dictionary_entry", entry)
        use = two.start("record.set", "customer", ident, {"industry": f"e{n}"})
        codes = (outcome(one, delete)[0], outcome(two, use)[0])
        if codes not in ((pb.OK, pb.INVALID), (pb.INVALID, pb.OK), (pb.CONFLICT, pb.OK)):
            wrong.append((codes, got(one, ident).get("industry")))
    tap.ok("an entry is deleted or used, not both", not wrong, wrong)


def main():
    server.start()
    one, two = connect(server), connect(server)
    customer(one, "起")
    for part in (two_merges, merge_and_set, merge_and_child, same_import, uploads, entries, undo_among_writers):
        part(one, two)
    leaver(one)
    fields_come_and_go(one)
    tap.sound(server)


run_test(tap, server, main)
