#!/usr/bin/python3
"""Requests that no client makes: every operation with wrong types, missing and repeated arguments, huge numbers, thousands of records,
frames of 256 KiB, text that is none, all drawn from the table of operations and the schema. Each gets an answer that names its fault;
the server goes on, leaks nothing (under sanitizers), and its store is sound.

Usage: hostile_test.py [REQUESTS] (SEED from the environment)."""

import glob
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Closed, pb
from server import ROOT, Server, Tap, run_test
from world import Made, connect, join, type_of

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 2500
SEED = int(os.environ.get("SEED", "11"))
FRAME_MAX = 256 * 1024
# They end the session, or lock the account: auth_test and limits_test try them.
LEFT_OUT = {"session.logout", "session.login", "session.join", "session.password", "session.resume"}

tap = Tap()
server = Server()
rng = random.Random(SEED)


def tables():
    text = "".join(open(path).read() for path in glob.glob(os.path.join(ROOT, "server", "op", "*.c")))
    ops = sorted(set(re.findall(r'\{\s*\.name = "([a-z._]+)",\s*\.kind = OP_', text)) - LEFT_OUT)
    return ops, sorted(set(re.findall(r'call_arg(?:_number)?\([a-z.>-]+, "([a-z_0-9]+)"', text)) | {"take"})


# What an operation does nothing without.
NEEDED = {"operation.undo": ["operation"], "operation.state": ["operation"], "operation.finish": ["operation"], "import.end": ["operation"], "import.refused": ["operation"],
          "file.append": ["file", "offset"], "file.finish": ["file", "sha256"], "file.cancel": ["file"], "reminder.snooze": ["until"], "mail.done": ["number"]}
EMPTY = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
BAD_BYTES = [b"", b"\x00", b"a\x00b", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "\u202eabc".encode(), "\u2066x".encode(), b"\r\n",
             b"\x1b[2J", "\ufeff".encode(), "é" * 300 and "e\u0301".encode() * 200, b"%s%n%x", b"'; drop table", b"@name:", b"@@", b"@", b"@name:%", b"../../etc/passwd",
             b"upload:", b"upload:" + b"0" * 64, b"upload:" + b"z" * 64, b"+a,-a", b"+,-", b",,,,", b"customer:", b"customer:1", b"nothing:1", b"customer:-1"]
NUMBERS = [b"0", b"1", b"2", b"3", b"-1", b"-0", b"18446744073709551615", b"18446744073709551616", b"9223372036854775807", b"-9223372036854775808", b"1e9", b"1.0", b"0x10",
           b"00000001", b"92233720368547758.07", b"0.00001", b"NaN", b"inf", "１２".encode(), b"281474976710655", b"4294967296", b"100%", b"1,234.50"]
TIMES = [b"today", b"today+3d", b"today+99999999999d", b"0000-00-00", b"9999-12-31", b"10000-01-01", b"2026-02-30", b"2026-11-21T25:00:00Z", b"lunar:08-15", b"lunar:2034-L11-30",
         b"02-29", b"1969-12-31", b"-2026-01-01", b"1w", b"999999d", b"30m", b"2099-01-01", b"this-month"]
FILTERS = [b"id > 0", b"id = 1 or id = 2", b"not id = 1", b"(", b"id =", b"id in (1,2,3)", b"name ~ x", b"customer.owner.branch.name = x", b"a.b.c.d.e.f = 1", b"id > 0 and" * 50,
           b"name is empty", b"created_at >= this-month", b"tags = x", b"@nothing", b'name = "' + b"x" * 4000 + b'"', b"id in (" + b",".join(b"%d" % n for n in range(500)) + b")"]


def text(world):
    """Some text: one that fits somewhere, or one that fits nowhere."""
    pick = rng.random()
    if pick < 0.3:
        return rng.choice(NUMBERS)
    if pick < 0.5:
        return rng.choice(BAD_BYTES)
    if pick < 0.6:
        return rng.choice(TIMES)
    if pick < 0.7:
        return rng.choice(world.words)
    if pick < 0.97:
        return rng.choice(["x", "杭州", "13800000001", "yes", "a@b.cn", "http://x", "company", "person", "draft"]).encode()
    return rng.choice([b"x" * 70000, "王".encode() * 22000, rng.randbytes(1000), b"a," * 5000])


class World:
    def __init__(self, admin):
        self.admin = admin
        self.made = Made(admin, 3, "admin", "hz", "feind")
        self.ids = self.made.all()
        for n in range(10):
            admin.call("record.add", "customer", fields={"name": f"敌{n}", "phone": "10086"})
        admin.call("record.add", "reminder", fields={"title": "x", "start_on": "2020-01-01", "repeat": "yearly"})
        self.entities = list(self.made.entities.values())
        self.words = [c.code for e in self.entities for f in e.field for c in f.choice] + [b"feind", b"feindcustomer"]
        self.operations = [10**9]
        self.files, self.imports = [1], [1]

    def entity(self):
        return rng.choice(self.entities) if rng.random() < 0.95 else None

    def number_of(self, entity):
        """An id that is there, mostly."""
        known = self.ids.get(entity.name.decode()) if entity else None
        return b"%d" % known if known and rng.random() < 0.7 else rng.choice(NUMBERS) if rng.random() < 0.8 else text(self)


def value(world, f):
    """A value of the field's type, mostly."""
    kind = type_of(f)
    if rng.random() < 0.3:
        return text(world)
    if kind in ("ref", "refs"):
        return b"%d" % (world.ids.get(f.refers_to.decode()) or 1)
    if kind in ("choice", "choices") and f.choice:
        return rng.choice(f.choice).code
    if kind in ("integer", "money", "decimal", "percent"):
        return rng.choice(NUMBERS)
    if kind in ("date", "datetime", "birthday", "time"):
        return rng.choice(TIMES)
    if kind == "ref_any":
        name = rng.choice(list(world.ids))
        return f"{name}:{world.ids[name]}".encode()
    return text(world)


def draw(world, ops, arguments):
    """One request."""
    r = pb.Request()
    r.op = rng.choice(ops).encode() if rng.random() < 0.99 else text(world)[:100]
    entity = world.entity()
    if entity is not None:
        r.entity = entity.name if rng.random() < 0.98 else text(world)
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 1000 if rng.random() < 0.02 else 1])):
        r.record.append(world.number_of(entity))
    fields = list(entity.field) if entity is not None else []
    if r.op == b"record.add" and rng.random() < 0.3:  # one that could be
        known = rng.choice([e for e in world.ids if e not in ("operation", "setting", "dictionary")])
        r.entity = known.encode()
        for name, text_of in world.made.fields(known).items():
            r.set.add(name=name.encode(), value=str(text_of).encode())
        fields = []
    if r.op.startswith(b"file.") and rng.random() < 0.8:
        r.entity = b"document"
        del r.record[:]
        r.record.append(b"%d" % world.ids["document"])
    if r.op in (b"record.add", b"record.set") or rng.random() < 0.1:
        for f in rng.sample(fields, min(len(fields), rng.choice([0, 1, 2, 5, 30]))):
            r.set.add(name=f.name if rng.random() < 0.97 else text(world), value=value(world, f))
        if rng.random() < 0.02 and r.set:
            for _ in range(200):
                r.set.add(name=r.set[0].name, value=r.set[0].value)
    needed = NEEDED.get(r.op.decode(errors="replace"), []) if rng.random() < 0.9 else []
    for name in needed + rng.sample(arguments, rng.choice([0, 0, 1, 2, 4])):
        for _ in range(rng.choice([1, 1, 1, 2, 20])):
            pick = {"operation": lambda: b"%d" % rng.choice(world.imports if r.op.startswith(b"import.") else world.operations), "file": lambda: b"%d" % rng.choice(world.files[-4:]), "sha256": lambda: EMPTY, "until": lambda: b"2d",
                    "offset": lambda: rng.choice([b"0", b"196608", b"5"]), "by": lambda: rng.choice(fields).name if fields else b"",
                    "key": lambda: rng.choice(fields).name if fields else b"", "take": lambda: rng.choice(fields).name if fields else b"",
                    "on_conflict": lambda: rng.choice([b"fail", b"skip", b"update"]), "at": lambda: rng.choice(TIMES)}.get(name)
            r.arg.add(name=name.encode(), value=pick() if pick and rng.random() < 0.7 else text(world))
    if rng.random() < 0.25:
        f = rng.choice(fields) if fields else None
        r.filter = rng.choice(FILTERS) if f is None or rng.random() < 0.5 else f.name + rng.choice([b" = ", b" ~ ", b" < ", b" >= ", b" is empty", b" in (", b".name = "]) + text(world)
    if rng.random() < 0.15:
        r.sort = b",".join((b"-" if rng.random() < 0.5 else b"") + (rng.choice(fields).name if fields and rng.random() < 0.9 else text(world)) for _ in range(rng.choice([1, 2, 5])))
    if rng.random() < 0.2:
        r.limit = rng.choice([0, 1, 2, 1000, 2**32 - 1])
    if rng.random() < 0.05:
        r.page = rng.randbytes(rng.choice([1, 24, 40, 100, 5000]))
    if rng.random() < 0.1:
        r.if_version = rng.choice([0, 1, 2, 2**64 - 1])
    if rng.random() < 0.05:
        r.idempotency_key = rng.choice([b"k1", b"k2", rng.randbytes(20)])
    if rng.random() < 0.2:
        r.reason = text(world)
    # the tests' own accounts stay
    harmless = r.entity not in (b"user", b"role", b"setting") or r.op in (b"record.get", b"record.list", b"record.count", b"record.history")
    r.dry_run, r.trash, r.unordered = rng.random() < 0.2 or not harmless, rng.random() < 0.1, rng.random() < 0.1
    if r.op == b"search" or rng.random() < 0.05:
        r.text = text(world)
    if r.op.startswith(b"import.") and fields:
        columns = rng.sample(fields, min(len(fields), rng.choice([1, 2, 3, 8])))
        if rng.random() < 0.1:
            columns.append(columns[0])
        r.column.extend(f.name if rng.random() < 0.95 else text(world) for f in columns)
        for line in range(rng.choice([0, 1, 2, 5, 5, 50])):
            row = r.row.add(line=rng.choice([line, 0, 2**64 - 1]))
            row.cell.extend(value(world, f) for f in columns[: rng.choice([len(columns), len(columns), 0, 1])])
            if rng.random() < 0.05:
                row.cell.extend([b"x"] * 10)
    if r.op == b"record.merge" and rng.random() < 0.7:  # two that may be merged
        del r.record[:]
        r.entity = b"customer"
        r.record.extend(b"%d" % n for n in rng.sample(range(1, 12), 2))
        del r.arg[:]
    if r.op == b"file.append" or rng.random() < 0.02:
        r.data = rng.randbytes(rng.choice([0, 1, 5, 196608, 196609]))
    if rng.random() < 0.03:
        r.arg.add(name=b"force", value=b"x" * max(0, FRAME_MAX - r.ByteSize() - 40 - rng.choice([0, 10, 1000])))
    return r


def fault_of(reply):
    """What is wrong with an answer."""
    status = reply.status
    if status.code == pb.OK:
        return None
    if status.code == pb.INTERNAL:
        return "internal error"
    said = [status.message] + [part for f in status.field for part in (f.field, f.message)]
    if not any(said):
        return "no word of what is wrong"
    for part in said:
        try:
            part = part.decode()
        except UnicodeDecodeError:
            return f"not UTF-8: {part!r}"
        if any(ord(c) < 32 and c != "\n" or c in "\u202e\u2066" for c in part):  # a filter is shown with a mark below
            return f"control characters: {part!r}"
    return None


def shown(r):
    return re.sub(r"(\\\d{3}|x){100,}", "...", str(r).replace("\n", " "))[:900]


def attack(users, world, ops, arguments):
    codes, answered, slowest = {}, set(), (0, None)
    for n in range(REQUESTS):
        name = rng.choice(list(users))
        frame = pb.Frame()
        frame.request.id = 0  # required; the real one follows
        r = draw(world, ops, arguments)
        s = users[name]
        frame.request.CopyFrom(pb.Request.FromString(r.SerializePartialToString() + b"\x08\x00"))
        frame.request.id = s.next_id
        s.next_id += 1
        if frame.ByteSize() > FRAME_MAX:
            continue
        started = time.monotonic()
        try:
            s.send(frame)
            while frame.request.id not in s.replies:
                s.take(s.read_frame(60))
        except (Closed, TimeoutError, ConnectionError) as why:
            tap.ok(f"{name}'s request {n} is answered", False, f"{why!r}, server {server.process.poll()}: {shown(r)}")
            if server.process.poll() is not None:
                return
            users[name] = connect(server, name)
            continue
        reply = s.replies.pop(frame.request.id)
        took = time.monotonic() - started
        if took > slowest[0]:
            slowest = (took, shown(r))
        fault = fault_of(reply)
        if fault:
            tap.ok(f"{name}'s request {n} is answered well", False, f"{fault}: {reply.status} to {shown(r)}")
        codes[pb.Code.Name(reply.status.code)] = codes.get(pb.Code.Name(reply.status.code), 0) + 1
        if reply.status.code == pb.OK:
            answered.add(r.op.decode())
        if reply.operation:
            world.operations.append(reply.operation)
        if r.op == b"import.begin" and reply.operation:
            world.imports.append(reply.operation)
        world.files += [int(v.value) for v in reply.value if v.name == b"file"]
    print(f"# {codes}; slowest {slowest[0]:.2f} s: {slowest[1]}")
    never = set(ops) - answered - {"system.backup", "system.invite", "reminder.snooze", "mail.take", "mail.done"}
    tap.ok(f"{REQUESTS} requests, each answered with what is wrong", not tap.failed and sum(codes.values()) > REQUESTS * 0.8, codes)
    tap.ok("most operations were done too", len(never) < len(ops) * 0.3, never)


def main():
    server.start()
    admin = connect(server)
    for code in ("hz", "cd"):
        admin.call("record.add", "branch", fields={"code": code, "name": code})
    # A request may end a session's rights, not the one that looks after it: users are many.
    users = {"wang": join(server, admin, "wang", "sales_mgr,sales", "hz"), "admin": connect(server), "other": join(server, admin, "other", "admin", "cd")}
    world = World(admin)
    ops, arguments = tables()
    attack(users, world, ops, arguments)
    if server.process.poll() is None:
        other = connect(server)
        tap.is_("the server goes on", other.call("ping").status.code, pb.OK)
    tap.sound(server)


run_test(tap, server, main)
