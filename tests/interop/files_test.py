#!/usr/bin/python3
"""Files on the wire: parts in order, a hash that does not fit, uploads that are cut off, that belong to others, that nobody takes."""

import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import pb
from server import Server, Tap, run_test
from world import code_of, connect

PART = 192 * 1024
tap = Tap()
server = Server()


def begin(s, name="a.bin", **args):
    reply = s.call("file.begin", "document", args={"field": "content", "name": name, **args})
    return next(v.value for v in reply.value if v.name == b"file")


def append(s, file, offset, data):
    return s.call("file.append", args={"file": file, "offset": offset}, data=data)


def finish(s, file, data):
    return s.call("file.finish", args={"file": file, "sha256": hashlib.sha256(data).hexdigest()})


def upload(s, data):
    file = begin(s, size=len(data))
    for at in range(0, len(data), PART):
        append(s, file, at, data[at:at + PART])
    finish(s, file, data)
    return "upload:" + hashlib.sha256(data).hexdigest()


def add(s, content):
    return s.call("record.add", "document", fields={"customer": 1, "content": content}).record[0].id


def figures():
    status, text = server.check()
    return status, tuple(int(n) for n in re.search(r"(\d+) files, (\d+) open uploads", text).groups())


def uploads(s):
    data = os.urandom(2 * PART + 5)
    first = add(s, upload(s, data))
    tap.ok("parts become a file", s.call("record.get", "document", first).record[0].id == first)
    got = b"".join(s.call("file.read", "document", first, args={"offset": at}).data for at in (0, PART, 2 * PART))
    tap.ok("with the same bytes", got == data)
    tap.ok("behind its end is nothing", s.call("file.read", "document", first, args={"offset": 3 * PART}).data == b"")
    tap.ok("an offset within a part", code_of(lambda: s.call("file.read", "document", first, args={"offset": 7})) == pb.USAGE)
    tap.ok("the upload is taken once", code_of(lambda: add(s, "upload:" + hashlib.sha256(data).hexdigest())) == pb.INVALID)


def mistakes(s):
    file = begin(s)
    tap.ok("a gap is refused", code_of(lambda: append(s, file, PART, b"x")) == pb.CONFLICT)
    append(s, file, 0, b"x" * PART)
    tap.ok("so is a repetition", code_of(lambda: append(s, file, 0, b"x")) == pb.CONFLICT)
    tap.ok("a part that is too long", code_of(lambda: append(s, file, PART, b"x" * (PART + 1))) == pb.USAGE)
    tap.ok("an empty one", code_of(lambda: append(s, file, PART, b"")) == pb.USAGE)
    tap.ok("what is not finished is no value", code_of(lambda: add(s, "upload:" + hashlib.sha256(b"x" * PART).hexdigest())) == pb.INVALID)
    tap.ok("another hash", code_of(lambda: finish(s, file, b"y")) == pb.INVALID)
    tap.ok("drops the upload", code_of(lambda: append(s, file, PART, b"x")) == pb.NOT_FOUND)
    tap.ok("a size above the limit", code_of(lambda: begin(s, size=65 << 20)) == pb.INVALID)
    tap.ok("a file that never was", code_of(lambda: append(s, 99, 0, b"x")) == pb.NOT_FOUND)
    tap.ok("an entity without files", code_of(lambda: s.call("file.begin", "customer", args={"field": "name"})) == pb.USAGE)
    tap.ok("a name with a line end", code_of(lambda: begin(s, name="a\nb")) == pb.INVALID)
    tap.ok("no name", code_of(lambda: s.call("file.finish")) == pb.USAGE)


def limits(s):
    files = []
    while (result := code_of(lambda: files.append(begin(s)) or True)) == pb.OK and len(files) < 99:
        pass
    tap.ok("a user has so many open uploads and no more", (len(files), result) == (16, pb.BUSY), (len(files), result))
    for file in files:
        s.call("file.cancel", args={"file": file})
    tap.ok("and gives them back", code_of(lambda: s.call("file.cancel", args={"file": begin(s)})) == pb.OK)


def cut(s):
    one, two = connect(server), connect(server)
    append(one, begin(one), 0, b"x" * PART)
    upload(two, b"nobody takes it")
    one.sock.close()
    two.sock.close()
    tap.ok("uploads that were cut off stand by", figures() == (0, (1, 2)), figures())
    server.kill()
    server.start()
    tap.ok("until the next start", figures() == (0, (1, 0)), figures())


def main():
    server.start()
    session = connect(server)
    session.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-88880000"})
    uploads(session)
    mistakes(session)
    limits(session)
    tap.ok("nothing is left of what failed", figures() == (0, (1, 0)), figures())
    cut(session)
    tap.sound(server)


run_test(tap, server, main)
