#!/usr/bin/python3
"""What an enemy sends: half connections, floods, cut frames, bad text, numbers out of range, foreign tokens. The server answers or
hangs up, stores nothing of it, and goes on serving everybody else."""

import os
import socket
import ssl
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# A sanitizer keeps what was freed; that is not the server's memory.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4:malloc_context_size=2"
from guanxi_client import Closed, Refused, Session, pb
from server import PASSWORD, Server, Tap, run_test
from world import code_of, connect

tap = Tap()
server = Server()


class Local(Session):
    """The server's own socket: the same frames without TLS, no login."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.path.join(server.data, "admin.sock"))
        self.buffer, self.events, self.replies, self.next_id, self.schema = b"", [], {}, 1, None
        frame = pb.Frame()
        frame.hello.version = 1
        self.send(frame)
        self.hello = self.read_frame().hello


class Device(Session):
    """A client with a certificate of its own."""

    certificate = None

    def secure(self, raw, host, ca):
        context = ssl.create_default_context(cafile=ca)
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        return context.wrap_socket(raw, server_hostname=host)


def refused(name, codes, call, reason=None):
    codes = codes if isinstance(codes, tuple) else (codes,)
    try:
        call()
        tap.ok(name, False, "was not refused")
    except Refused as r:
        tap.ok(name, r.code in codes and (reason is None or r.reason == reason), f"{r} ({r.reason})")
        return r
    except (Closed, TimeoutError) as why:
        tap.ok(name, False, repr(why))


def is_closed(s):
    try:
        while True:
            s.read_frame(timeout=15)
    except (Closed, ConnectionError):
        return True
    except TimeoutError:
        return False


def memory_kib():
    with open(f"/proc/{server.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def health(s):
    return {v.name.decode(): v.value.decode() for v in s.call("health").value}


def framed(body):
    return struct.pack(">I", len(body)) + body


# Connections.


def half_open(admin):
    host, port = server.address.rsplit(":", 1)
    idle = [socket.create_connection((host, int(port))) for _ in range(300)]
    for s in idle[:100]:
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # a ClientHello that ends in its header
    for s in idle[100:150]:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()  # reset
    started = time.monotonic()
    for _ in range(200):
        admin.call("ping")
    other = connect(server)
    tap.ok("300 half-open connections hold nobody up", time.monotonic() - started < 5)
    tap.ok("they are counted", int(health(admin)["connections"]) >= 200, health(admin)["connections"])
    for s in idle:
        s.close()
    other.close()


def byte_at_a_time(admin):
    s = connect(server)
    body = pb.Frame()
    body.request.id, body.request.op, body.request.entity = 77, b"record.add", b"customer"
    body.request.set.add(name=b"name", value="一个字节".encode())
    body.request.set.add(name=b"phone", value=b"0571-11112222")
    for byte in framed(body.SerializeToString()):
        s.sock.sendall(bytes([byte]))
    tap.is_("a request sent a byte at a time is carried out", s.finish(77).record[0].version, 1)
    s.close()


def never_reads(admin):
    text = "很长" * 800
    columns = ["name", "phone", "remarks"]
    for at in range(0, 100, 20):
        frame = pb.Frame()
        r = frame.request
        r.id, r.op, r.entity = 1000 + at, b"import.rows", b"customer"
        r.column.extend(c.encode() for c in columns)
        for n in range(at, at + 20):
            row = r.row.add(line=n + 2)
            row.cell.extend([f"读{n}".encode(), b"0571-2222%04d" % n, text.encode()])
        admin.send(frame)
        admin.finish(1000 + at)
    s = connect(server)
    before = memory_kib()
    asked = [s.start("record.list", "customer", limit=1000, unordered=True) for _ in range(400)]
    worst = before
    for _ in range(100):
        admin.call("ping")
        worst = max(worst, memory_kib())
    tap.ok("400 large pages that nobody reads cost a few megabytes", worst - before < 48 * 1024, f"{worst - before} KiB")
    sizes = [len(s.finish(i).record) for i in asked]
    tap.ok("when it reads they all come", min(sizes) > 5, sizes)
    s.close()


def in_flight(admin):
    s = connect(server)
    ids = [s.start("ping") for _ in range(2000)]
    tap.ok("2,000 requests at once are answered", all(s.finish(i).status.code == pb.OK for i in ids))
    ids = [s.start("record.add", "customer", fields={"name": f"同时{n}", "phone": "10087"}) for n in range(300)]
    got = {s.finish(i).record[0].id for i in ids}
    tap.is_("so are 300 writes", len(got), 300)
    one = pb.Frame()
    one.request.id, one.request.op = 5_000_000, b"session.password"
    one.request.arg.add(name=b"old", value=b"wrong wrong wrong")
    one.request.arg.add(name=b"new", value=b"another long password")
    body = framed(one.SerializeToString())
    s.sock.sendall(body + body)
    codes = []
    while len(codes) < 2:
        reply = s.read_frame().reply
        codes.append((reply.status.code, reply.status.reason))
    tap.ok("an id in use is refused", (pb.USAGE, b"request_id") in codes, codes)
    tap.ok("the first with it is not", any(c == pb.UNAUTHENTICATED for c, _ in codes), codes)
    s.close()


def many_refusals(admin):
    s = Session(server.address, server.ca)
    for _ in range(30):
        s.start("record.list", "customer")
    tap.ok("who asks on without a login is hung up on", is_closed(s))
    s = Session(server.address, server.ca)
    s.sock.sendall(framed(b"\x12" + b"\x00" * 4100)[:4100])
    tap.ok("a frame over 4,096 bytes before login too", is_closed(s))


def key_updates(admin):
    shell = subprocess.Popen(
        ["openssl", "s_client", "-connect", server.address, "-CAfile", server.ca, "-tls1_3"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)
    sent = 0
    try:
        for sent in range(200):
            shell.stdin.write(b"K\n")
            line = b" "
            while line and b"KEYUPDATE" not in line:
                line = shell.stderr.readline()
            if not line:
                break
    except BrokenPipeError:
        pass
    try:
        shell.wait(timeout=20)  # it ends by itself only when the server hangs up
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        shell.kill()
    tap.ok("a flood of key updates ends the connection", ended and sent >= 30, f"{sent} were taken")
    shell.wait()
    shell.stdin.close()
    shell.stderr.close()


# Frames and texts.


def cut_frames(admin):
    before = admin.call("record.count", "customer").count
    frame = pb.Frame()
    frame.request.id, frame.request.op, frame.request.entity = 1, b"record.add", b"customer"
    frame.request.set.add(name=b"name", value="断了".encode())
    frame.request.set.add(name=b"phone", value=b"0571-55556666")
    whole = framed(frame.SerializeToString())
    for length in range(len(whole)):
        s = Local()
        s.sock.sendall(whole[:length])
        s.sock.shutdown(socket.SHUT_WR)
        if not is_closed(s):
            tap.ok("a cut frame closes the connection", False, f"after {length} bytes")
        s.close()
    for length in range(4, len(whole), 25):
        s = connect(server)
        s.sock.sendall(whole[:length])
        s.close()
    tap.is_("no frame cut at any byte stores anything", admin.call("record.count", "customer").count, before)
    for at in range(4, len(whole)):
        s = Local()
        s.sock.sendall(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1:])
        try:
            s.read_frame(timeout=15)
        except Closed:
            pass
        s.close()
    tap.is_("the server takes frames with one byte another", admin.call("ping").status.code, pb.OK)


def field_floods(admin):
    body = b"\x08\x01\x12\x0arecord.get\x1a\x08customer" + b"\x22\x00" * 66_000
    s = connect(server)
    s.sock.sendall(framed(b"\x12" + varint_of(len(body)) + body))
    tap.ok("a frame of 66,000 fields closes the connection", is_closed(s))
    refused("4,097 records are too many", pb.USAGE, lambda: admin.call("record.get", "customer", list(range(1, 4098))))
    frame = pb.Frame()
    frame.request.id, frame.request.op, frame.request.entity = 900_001, b"record.add", b"customer"
    for n in range(4097):
        frame.request.set.add(name=b"remarks", value=b"%d" % n)
    admin.send(frame)
    refused("4,097 values of one field", pb.INVALID, lambda: admin.finish(900_001))
    frame.request.id = 900_002
    for n, pair in enumerate(frame.request.set):
        pair.name = b"unknown%d" % n
    admin.send(frame)
    refused("4,097 unknown fields", pb.INVALID, lambda: admin.finish(900_002))
    rows = pb.Frame()
    rows.request.id, rows.request.op, rows.request.entity = 900_003, b"import.rows", b"customer"
    rows.request.column.extend([b"name", b"phone"])
    for n in range(1001):
        rows.request.row.add(line=n).cell.extend([b"x", b"100868"])
    admin.send(rows)
    refused("1,001 rows at once", pb.USAGE, lambda: admin.finish(900_003))
    rows.request.id = 900_004
    del rows.request.column[:]
    rows.request.column.extend([b"name"] * 257)
    admin.send(rows)
    refused("257 columns", pb.USAGE, lambda: admin.finish(900_004))
    rows.request.id = 900_005
    del rows.request.column[:], rows.request.row[:]
    rows.request.column.extend([b"name", b"phone"])
    rows.request.row.add(line=1).cell.extend([b"x", b"100868"])
    rows.request.arg.add(name=b"operation", value=b"999999")
    admin.send(rows)
    refused("rows into an operation that was never given", pb.USAGE, lambda: admin.finish(900_005))
    tap.is_("nothing of it is stored", admin.call("record.count", "customer", filter="name = x").count, 0)


def varint_of(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


BAD_TEXTS = [b"\xff\xfe", b"a\x00b", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"x\x1b[2J", b"\xe2\x80\xaegnp", b"\xef\xbf\xbe",
             b"\xc2\x85", b"\xe4\xb8"]


def text_places(customer):
    """Every place of a request that holds text: a function that fills a request with the given bytes there."""
    def place(op, entity=None, **more):
        def fill(r, text):
            r.op = op.encode()
            if entity:
                r.entity = entity.encode()
            for name, value in more.items():
                if name == "arg":
                    for key, v in value.items():
                        r.arg.add(name=key.encode(), value=text if v is None else v)
                elif name in ("record", "column"):
                    getattr(r, name).append(text if value is None else value)
                elif name == "set":
                    r.set.add(name=text if value[0] is None else value[0], value=text if value[1] is None else value[1])
                elif name == "cells":
                    r.row.add(line=1).cell.extend([text, b"100868"])
                else:
                    setattr(r, name, text if value is None else value)
        return fill

    me = str(customer).encode()
    return {
        "op": lambda r, text: setattr(r, "op", text),
        "entity": lambda r, text: (setattr(r, "op", b"record.list"), setattr(r, "entity", text)),
        "record": place("record.get", "customer", record=None),
        "record by name": lambda r, text: place("record.get", "customer", record=b"@name:" + text)(r, text),
        "a field's name": place("record.set", "customer", record=me, set=(None, b"x")),
        "a value": place("record.set", "customer", record=me, set=(b"remarks", None)),
        "a phone": place("record.set", "customer", record=me, set=(b"phone", None)),
        "a tag": place("record.set", "customer", record=me, set=(b"tags", None)),
        "a choice": place("record.set", "customer", record=me, set=(b"grade", None)),
        "a reference": place("record.set", "customer", record=me, set=(b"owner", None)),
        "a date": place("record.add", "task", set=(b"due_on", None)),
        "filter": place("record.list", "customer", filter=None),
        "a filter's value": lambda r, text: place("record.list", "customer", filter=b'name = "' + text + b'"')(r, text),
        "sort": place("record.list", "customer", sort=None),
        "by": place("record.count", "customer", arg={"by": None}),
        "page": place("record.list", "customer", page=None),
        "reason": place("record.set", "customer", record=me, set=(b"remarks", b"x"), reason=None),
        "search": place("search", text=None),
        "days": place("today", arg={"days": None}),
        "since": place("watch", arg={"since": None}),
        "until": place("reminder.snooze", record=b"1", arg={"until": None}),
        "operation": place("operation.undo", arg={"operation": None}),
        "a column": place("import.rows", "customer", column=None, cells=1),
        "key": place("import.begin", "customer", column=b"name", arg={"key": None}),
        "on_conflict": place("import.begin", "customer", column=b"name", arg={"on_conflict": None}),
        "username": place("session.login", arg={"username": None, "password": b"not that one"}),
        "password": place("session.password", arg={"old": PASSWORD.encode(), "new": None}),
        "code": place("session.join", arg={"code": None, "password": b"another long password"}),
        "certificate request": place("session.login", arg={"username": b"nobody", "password": b"no", "certificate_request": None}),
        "user of an invite": place("user.invite", record=None),
    }


def bad_texts(admin, customer):
    s = connect(server)
    for name, fill in text_places(customer).items():
        wrong = []
        for text in BAD_TEXTS:
            frame = pb.Frame()
            frame.request.id = s.next_id
            s.next_id += 1
            fill(frame.request, text)
            try:
                s.send(frame)
                s.finish(frame.request.id)
                wrong.append((text, "taken"))
            except Refused as r:
                said = str(r)
                if r.code in (pb.INTERNAL, pb.BUSY) or any(ord(c) < 32 or c == "\u202e" for c in said):
                    wrong.append((text, said))
            except UnicodeDecodeError as why:
                wrong.append((text, repr(why)))
            except (Closed, TimeoutError) as why:
                wrong.append((text, repr(why)))
                s = connect(server)
        tap.ok(f"text that is none is refused: {name}", not wrong, wrong)
    s.close()


def deep_filters(admin):
    for name, text in {
        "4,000 open brackets": "(" * 4000 + "id = 1" + ")" * 4000,
        "brackets that do not close": "(" * 60 + "id = 1",
        "2,000 nots": "not " * 2000 + "id = 1",
        "9 KiB": 'name = "' + "x" * 9000 + '"',
        "700 conditions": " or ".join(["id = 1"] * 700),
        "a path of 100 steps": ".".join(["employer"] * 100) + ".name = x",
        "3,000 values": "id in (" + ", ".join(["1"] * 2500) + ")",
    }.items():
        started = time.monotonic()
        refused(f"a filter of {name}", (pb.USAGE, pb.INVALID), lambda: admin.call("record.list", "customer", filter=text))
        tap.ok("at once", time.monotonic() - started < 2)
    code = code_of(lambda: admin.call("record.list", "customer", sort=",".join(["name"] * 3000)))
    tap.ok("an order by 3,000 fields", code in (pb.USAGE, pb.INVALID), code)
    code = code_of(lambda: admin.call("search", text="王" * 201))
    tap.is_("a search for 201 characters", code, pb.USAGE)


# Numbers.


def numbers(admin, customer):
    for record in ("18446744073709551615", "18446744073709551616", "9223372036854775808", "0", "-1", "1e3", "0x1", "999999999999999",
                   "999999999999999999999999999999", " 1 2", "281474976710656"):
        refused(f"record {record}", (pb.NOT_FOUND, pb.INVALID, pb.USAGE), lambda: admin.call("record.get", "customer", record))
        refused(f"set of it", (pb.NOT_FOUND, pb.INVALID, pb.USAGE),
                lambda: admin.call("record.set", "customer", record, {"city": "x"}))
        refused(f"reference to {record}", (pb.NOT_FOUND, pb.INVALID),
                lambda: admin.call("record.set", "customer", customer, {"employer": record}))
    reply = admin.call("record.list", "customer", limit=2**32 - 1)
    tap.ok("a limit of 2^32-1 is a page", 0 < len(reply.record) <= 1000, len(reply.record))
    refused("if_version 2^64-1", pb.USAGE, lambda: admin.call("record.set", "customer", customer, {"city": "x"}, if_version=2**64 - 1))
    refused("if_version 0", pb.CONFLICT, lambda: admin.call("record.set", "customer", customer, {"phone": "0571-1"}, if_version=0))
    refused("a deadline of 0 ms is over for a write", pb.BUSY,
            lambda: admin.call("record.set", "customer", customer, {"city": "x"}, deadline_ms=0), "deadline")
    tap.is_("one of 2^32-1 is not", admin.call("ping", deadline_ms=2**32 - 1).status.code, pb.OK)
    for op, arg in (("today", "days"), ("watch", "since"), ("operation.undo", "operation"), ("import.begin", "operation")):
        for value in ("-1", "99999999999999999999999", "1e9", "", " ", "0x10"):
            code = code_of(lambda: admin.call(op, args={arg: value}))
            if value and value != " ":
                tap.ok(f"{op} {arg}={value} is refused", code in (pb.USAGE, pb.INVALID), code)
    admin.call("watch", args={"since": 10**18 - 1})
    for field, value in (("annual_revenue", "92233720368547758.08"), ("annual_revenue", "9" * 40), ("employee_count", "9223372036854775808"),
                         ("employee_count", "1.5"), ("birthday", "2026-02-30"), ("birthday", "lunar:1899-01-01"), ("birthday", "02-30")):
        refused(f"{field}={value}", pb.INVALID, lambda: admin.call("record.set", "customer", customer, {field: value}))
    frame = pb.Frame()
    frame.request.id, frame.request.op = 2**64 - 1, b"ping"
    admin.send(frame)
    tap.is_("a request id of 2^64-1", admin.finish(2**64 - 1).id, 2**64 - 1)
    refused("a string of 65,537 characters", pb.INVALID,
            lambda: admin.call("record.set", "customer", customer, {"remarks": "x" * 65537}))
    admin.call("record.set", "customer", customer, {"remarks": "x" * 65536})


def page_tokens(admin):
    other = connect(server, "wang")
    page = admin.call("record.list", "customer", limit=5).next
    tap.ok("there is a next page", len(page) > 0)
    refused("another user's token", pb.USAGE, lambda: other.call("record.list", "customer", limit=5, page=page))
    refused("with another filter", pb.USAGE, lambda: admin.call("record.list", "customer", limit=5, page=page, filter="id > 0"))
    refused("with another order", pb.USAGE, lambda: admin.call("record.list", "customer", limit=5, page=page, sort="name"))
    refused("of the trash", pb.USAGE, lambda: admin.call("record.list", "customer", limit=5, page=page, trash=True))
    refused("in an export", pb.USAGE, lambda: admin.call("record.export", "customer", limit=5, page=page))
    codes = {code_of(lambda: admin.call("record.list", "customer", limit=5, page=page[:at] + bytes([page[at] ^ 1]) + page[at + 1:]))
             for at in range(len(page))}
    tap.is_("altered at any byte", codes, {pb.USAGE})
    codes = {code_of(lambda: admin.call("record.list", "customer", limit=5, page=page[:n])) for n in range(1, len(page))}
    tap.is_("cut at any byte", codes, {pb.USAGE})
    refused("of 10 KB", pb.USAGE, lambda: admin.call("record.list", "customer", limit=5, page=page * 100))
    long = admin.call("record.add", "customer", fields={"name": "长页", "phone": "0571-33334444", "remarks": "页" * 2000}).record[0].id
    for n in range(3):
        admin.call("record.set", "customer", long, {"city": f"城{n}"})
    seen, at = 0, b""
    while at or not seen:
        reply = admin.call("record.history", "customer", long, limit=1, page=at)
        seen, at = seen + len(reply.change), reply.next
    tap.is_("the history of a long record has pages", seen, 4)
    tap.is_("as it was made it works, twice", [len(admin.call("record.list", "customer", limit=5, page=page).record) for _ in "12"], [5, 5])
    other.close()


def idempotency(admin):
    other = connect(server, "wang")
    fields = {"name": "键", "phone": "10086"}
    first = admin.call("record.add", "customer", fields=fields, idempotency_key="\x01键")
    again = admin.call("record.add", "customer", fields=fields, idempotency_key="\x01键")
    tap.is_("the same key and request", again.record[0].id, first.record[0].id)
    refused("the same key, another value", pb.CONFLICT,
            lambda: admin.call("record.add", "customer", fields={**fields, "city": "x"}, idempotency_key="\x01键"), "idempotency_key")
    refused("the same key, another op", pb.CONFLICT,
            lambda: admin.call("record.delete", "customer", first.record[0].id, idempotency_key="\x01键"), "idempotency_key")
    mine = other.call("record.add", "customer", fields={**fields, "name": "匙"}, idempotency_key="\x01键")
    tap.ok("another user's same key is another key", mine.record[0].id != first.record[0].id)
    refused("a key of 129 bytes", pb.USAGE, lambda: admin.call("record.add", "customer", fields=fields, idempotency_key="k" * 129))
    refused("a refusal", pb.INVALID, lambda: admin.call("record.add", "customer", fields={"name": ""}, idempotency_key="later"))
    admin.call("record.add", "customer", fields={**fields, "name": "锁"}, idempotency_key="later")
    tap.ok("is not kept", True)
    other.close()


# Traces and sessions.


def dry_runs(admin):
    one = admin.call("record.add", "customer", fields={"name": "干一", "phone": "10086"})
    customer = one.record[0].id
    gone = admin.call("record.add", "customer", fields={"name": "干二", "phone": "10086"}).record[0].id
    operation = admin.call("record.delete", "customer", gone).operation
    reminder = admin.call("record.add", "reminder", fields={"title": "x", "start_on": "2020-01-01", "repeat": "yearly"}).record[0].id
    wang = connect(server, "wang")
    before = health(admin)["last_change"]
    last = admin.call("record.add", "customer", fields={"name": "前", "phone": "10086"})
    dry = {"dry_run": True}
    rows = pb.Frame()
    rows.request.id, rows.request.op, rows.request.entity, rows.request.dry_run = 910_001, b"import.rows", b"customer", True
    rows.request.column.extend([b"name", b"phone"])
    rows.request.row.add(line=2).cell.extend(["干三".encode(), b"10086"])
    before = health(admin)["last_change"]
    for name, call in {
        "record.add": lambda: admin.call("record.add", "customer", fields={"name": "干", "phone": "10086"}, **dry),
        "record.add with a key": lambda: admin.call("record.add", "customer", fields={"name": "干", "phone": "10086"},
                                                    idempotency_key="dry", **dry),
        "record.set": lambda: admin.call("record.set", "customer", customer, {"city": "干"}, **dry),
        "record.delete": lambda: admin.call("record.delete", "customer", customer, **dry),
        "record.restore": lambda: admin.call("record.restore", "customer", gone, **dry),
        "operation.undo": lambda: admin.call("operation.undo", args={"operation": operation}, **dry),
        "import.begin": lambda: admin.start("import.begin", "customer", **dry),
        "import.rows": lambda: (admin.send(rows), admin.finish(910_001)),
        "reminder.acknowledge": lambda: admin.call("reminder.acknowledge", record=reminder, **dry),
        "user.invite": lambda: admin.call("user.invite", record="wang", **dry),
        "session.password": lambda: wang.call("session.password", args={"old": PASSWORD, "new": "a phrase that is long"}, **dry),
    }.items():
        code = code_of(call)
        tap.ok(f"a dry run of {name} is answered", code == pb.OK, code)
    tap.is_("dry runs leave no entry in the log", health(admin)["last_change"], before)
    after = admin.call("record.add", "customer", fields={"name": "后", "phone": "10086"}, idempotency_key="dry")
    tap.is_("take no id", after.record[0].id, last.record[0].id + 1)
    tap.is_("and no number of an operation", after.operation, last.operation + 1)
    tap.is_("the password is the old one", connect(server, "wang").call("ping").status.code, pb.OK)
    got = admin.decode("customer", admin.call("record.get", "customer", customer).record[0])
    tap.ok("the record is as it was", got["version"] == 1 and "city" not in got, got)
    refused("what is invalid is so in a dry run too", pb.INVALID, lambda: admin.call("record.add", "customer", fields={"name": ""}, **dry))


def make_device(name):
    key, csr = os.path.join(server.dir, name + ".key"), os.path.join(server.dir, name + ".csr")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", csr, "-outform", "DER", "-subj", "/CN=" + name], check=True, capture_output=True)
    s = Session(server.address, server.ca)
    with open(csr, "rb") as f:
        reply = s.call("session.login", args={"username": "wang", "password": PASSWORD, "certificate_request": f.read()})
    values = {v.name.decode(): v.value for v in reply.value}
    pem = os.path.join(server.dir, name + ".pem")
    with open(pem, "w") as f:
        f.write(ssl.DER_cert_to_PEM_cert(values["certificate"]))
    return (pem, key), values["token"]


def resume(certificate, token):
    Device.certificate = certificate
    s = type("Device", (Device,), {"secure": staticmethod(lambda raw, host, ca: Device.secure(Device, raw, host, ca))})(server.address, server.ca)
    s.call("session.resume", args={"token": token})
    return s


def tokens(admin):
    one, token = make_device("one")
    two, _ = make_device("two")
    s = resume(one, token)
    tap.is_("a token with its key resumes", s.call("session.whoami").status.code, pb.OK)
    refused("with another key", pb.UNAUTHENTICATED, lambda: resume(two, token))
    refused("with none", pb.UNAUTHENTICATED, lambda: resume(None, token))
    refused("a token of zeros", pb.UNAUTHENTICATED, lambda: resume(one, bytes(32)))
    refused("a short one", pb.UNAUTHENTICATED, lambda: resume(one, token[:31]))
    refused("an empty one", (pb.UNAUTHENTICATED, pb.USAGE), lambda: resume(one, b""))
    refused("a long one", pb.UNAUTHENTICATED, lambda: resume(one, token * 40))
    refused("one bit another", pb.UNAUTHENTICATED, lambda: resume(one, token[:-1] + bytes([token[-1] ^ 1])))
    twin = resume(one, token)
    s.call("session.logout")
    refused("after logout", pb.UNAUTHENTICATED, lambda: resume(one, token))
    tap.ok("a second connection of that session ends too", is_closed(twin))


def main():
    server.start()
    admin = connect(server)
    admin.call("record.add", "branch", fields={"code": "hz", "name": "杭州"})
    admin.call("record.add", "user", fields={"username": "wang", "name": "王", "roles": "sales", "branch": "hz"})
    code = {v.name: v.value for v in admin.call("user.invite", record="wang").value}[b"code"]
    Session(server.address, server.ca).call("session.join", args={"code": code, "password": PASSWORD})
    customer = admin.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-88880000"}).record[0].id
    for part in (half_open, byte_at_a_time, never_reads, in_flight, many_refusals, key_updates, cut_frames, field_floods, deep_filters,
                 page_tokens, idempotency, dry_runs, tokens):
        part(admin)
    bad_texts(admin, customer)
    numbers(admin, customer)
    admin = connect(server)
    tap.is_("the server goes on after all that", admin.call("record.get", "customer", customer).record[0].id, customer)
    tap.sound(server)


run_test(tap, server, main)
