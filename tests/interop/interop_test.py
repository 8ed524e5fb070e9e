#!/usr/bin/python3
"""A client in another language, from the protocol's text alone: login, add, list, watch, acknowledge, errors."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Closed, Refused, Session, pb, pin_of
from server import PASSWORD, Server, Tap, run_test

tap = Tap()
server = Server(clock="2026-11-24T00:59:00Z")


def refused(name, code, call, reason=None):
    try:
        call()
        tap.ok(name, False, "was not refused")
    except Refused as r:
        tap.ok(name, r.code == code and (reason is None or r.reason == reason), str(r) + " " + r.reason)
        return r


def closes(name, session):
    try:
        while True:
            session.read_frame(timeout=10)
    except (Closed, ConnectionError):
        tap.ok(name, True)
    except TimeoutError:
        tap.ok(name, False, "the connection stayed open")


def connect():
    return Session(server.address, server.ca)


def login_and_records():
    s = connect()
    tap.is_("the server speaks version 1", s.hello.version, 1)
    tap.ok("it says how long a frame may be", s.hello.max_frame >= 4096, s.hello.max_frame)
    refused("no list before login", pb.UNAUTHENTICATED, lambda: s.call("record.list", "customer"))
    wrong = refused("a wrong password", pb.UNAUTHENTICATED, lambda: s.login("admin", "Admin"))
    unknown = refused("an unknown user", pb.UNAUTHENTICATED, lambda: s.login("nobody", "Admin"))
    tap.is_("answer alike", str(wrong), str(unknown))
    who = s.login("admin", PASSWORD)
    tap.is_("whoami after login", who["username"], b"admin")
    pin = server.run("fingerprint").strip()
    tap.is_("the pin is the hash of the CA's public key", pin.removeprefix("sha256:"), pin_of(server.ca))
    reply = s.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-88880000", "tags": "展会,新"})
    got = s.decode("customer", reply.record[0])
    tap.is_("a record comes back in wire form", (got["name"], got["tags"]), ("杭州长河", ["展会", "新"]))
    reply = s.call("record.list", "customer", filter='name ~ "长河"', limit=10)
    tap.is_("list finds it", [r.id for r in reply.record], [got["id"]])
    bad = refused("every bad field at once", pb.INVALID,
                  lambda: s.call("record.add", "customer", fields={"kind": "person", "email": "x", "postcode": "12"}))
    tap.ok("name, email and postcode are named", {"name", "email", "postcode"} <= set(bad.fields), bad.fields)
    refused("an unknown entity", pb.USAGE, lambda: s.call("record.list", "customr"))
    refused("an unknown op", pb.USAGE, lambda: s.call("record.lits", "customer"))
    refused("a record that is not there", pb.NOT_FOUND, lambda: s.call("record.get", "customer", 999))
    v = got["version"]
    s.call("record.set", "customer", got["id"], {"phone": "0571-88880001"}, if_version=v)
    clash = refused("a second edit of one field from the same version", pb.CONFLICT,
                    lambda: s.call("record.set", "customer", got["id"], {"phone": "0571-88880002"}, if_version=v))
    tap.is_("both values are told", (clash.fields["phone"].current, clash.fields["phone"].yours),
            (b"0571-88880001", b"0571-88880002"))
    s.call("record.set", "customer", got["id"], {"city": "杭州"}, if_version=v)
    a = s.call("record.add", "customer", fields={"name": "一次", "phone": "0571-1234567"}, idempotency_key="k1")
    b = s.call("record.add", "customer", fields={"name": "一次", "phone": "0571-1234567"}, idempotency_key="k1")
    tap.is_("the same idempotency key makes one record", a.record[0].id, b.record[0].id)
    ids = [s.start("record.get", "customer", got["id"]) for _ in range(50)]
    tap.ok("50 pipelined requests are answered", all(s.finish(i).record for i in ids))
    s.close()
    return got["id"]


def watch_and_acknowledge(customer):
    one, two = connect(), connect()
    one.login("admin", PASSWORD)
    two.login("admin", PASSWORD)
    one.call("watch")
    two.call("watch")
    one.call("record.add", "task", fields={"subject": "回访", "customer": customer, "due_on": "2026-11-24"})
    server.set_clock("2026-11-24T01:00:00Z")
    event = one.event()
    tap.is_("the reminder arrives", (event.kind, event.title.decode(), event.late), (b"reminder", "回访", False))
    tap.ok("within a second of its due time", event.lag_us < 1_000_000, event.lag_us)
    tap.ok("the other session gets it too", two.event().seq == event.seq)
    one.call("reminder.acknowledge", record=event.record.id)
    cleared = two.event()
    tap.is_("acknowledging clears it in the other session", (cleared.kind, cleared.prev), (b"cleared", event.seq))
    again = connect()
    again.login("admin", PASSWORD)
    again.call("watch")
    again.call("ping")
    tap.is_("it does not come again", again.events, [])
    since = connect()
    since.login("admin", PASSWORD)
    since.call("watch", args={"since": event.prev})
    one.call("record.add", "reminder", fields={"title": "后来", "start_on": "today", "time_of_day": "08:00"})
    seqs = [since.event() for _ in range(2)]
    tap.is_("a client that names the last number gets what it missed, in order, without what is acknowledged",
            [(e.kind, e.title.decode()) for e in seqs], [(b"cleared", seqs[0].title.decode()), (b"reminder", "后来")])


def bad_frames():
    def raw(data):
        s = Session(server.address, server.ca, hello=False)
        s.sock.sendall(data)
        return s

    closes("a frame longer than the limit before login closes the connection", raw(struct.pack(">I", 5000) + b"x" * 5000))
    closes("garbage closes the connection", raw(struct.pack(">I", 8) + b"\xff" * 8))
    closes("an empty frame closes the connection", raw(struct.pack(">I", 0)))
    s = connect()
    s.login("admin", PASSWORD)
    s.sock.sendall(struct.pack(">I", 300 * 1024) + b"x" * 1000)
    closes("a frame longer than the limit after login closes the connection", s)
    s = Session(server.address, server.ca, version=99)
    tap.ok("another version gets a status that names both", s.hello.HasField("status") and b"1" in s.hello.status.message,
           s.hello)
    plain = socket.create_connection(server.address.rsplit(":", 1))
    plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
    plain.settimeout(10)
    try:
        answer = plain.recv(4096)
    except OSError:
        answer = b""
    tap.ok("plain TCP gets no protocol answer", b"guanxi" not in answer, answer)
    s = connect()
    tap.is_("the server goes on after all that", s.login("admin", PASSWORD)["username"], b"admin")


def main():
    server.start()
    watch_and_acknowledge(login_and_records())
    bad_frames()
    tap.sound(server)


run_test(tap, server, main)
