"""A small guanxi client, written from proto/PROTOCOL.md and proto/guanxi.proto alone.

It knows frames, login, records in wire form and events. It is the proof that a stranger can write a client,
and the tool with which the end-to-end tests drive many sessions at once.
"""

import hashlib
import importlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time


def load_messages(proto_dir):
    """Compiles guanxi.proto with protoc and imports what comes out."""
    with tempfile.TemporaryDirectory(prefix="guanxi-pb-") as out:
        subprocess.run(
            ["protoc", f"--proto_path={proto_dir}", f"--python_out={out}", "guanxi.proto"], check=True
        )
        sys.path.insert(0, out)
        return importlib.import_module("guanxi_pb2")


HERE = os.path.dirname(os.path.abspath(__file__))
pb = load_messages(os.path.join(HERE, "..", "..", "proto"))


class Refused(Exception):
    """A reply whose status is not OK."""

    def __init__(self, status):
        said = "; ".join(f"{f.field.decode()} {f.message.decode()}" for f in status.field)
        super().__init__(f"{pb.Code.Name(status.code)}: {status.message.decode()} {said}".rstrip())
        self.code = status.code
        self.reason = status.reason.decode()
        self.fields = {f.field.decode(): f for f in status.field}


class Closed(Exception):
    """The server closed the connection."""


def varint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


SIGNED = {"integer", "decimal", "money", "percent", "datetime", "integers"}
LISTS = {"tags", "texts", "refs", "choices", "integers"}


def as_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()


class Session:
    """One connection. Replies are matched by request id; events gather in self.events."""

    def __init__(self, address, ca=None, language="en", plain=False, version=1, hello=True):
        host, port = address.rsplit(":", 1)
        host = host.strip("[]")
        raw = socket.create_connection((host, int(port)), timeout=20)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = raw if plain else self.secure(raw, host, ca)
        self.buffer = b""
        self.events = []
        self.replies = {}
        self.next_id = 1
        self.schema = None
        if hello:
            frame = pb.Frame()
            frame.hello.version = version
            frame.hello.software = b"interop/1"
            frame.hello.language = language.encode()
            self.send(frame)
            self.hello = self.read_frame().hello

    @staticmethod
    def secure(raw, host, ca):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(ca)
        return context.wrap_socket(raw, server_hostname=host)

    def send(self, frame):
        body = frame.SerializeToString()
        self.sock.sendall(struct.pack(">I", len(body)) + body)

    def read_frame(self, timeout=20):
        self.sock.settimeout(timeout)
        while True:
            if len(self.buffer) >= 4:
                (length,) = struct.unpack(">I", self.buffer[:4])
                if len(self.buffer) >= 4 + length:
                    frame = pb.Frame()
                    frame.ParseFromString(self.buffer[4 : 4 + length])
                    self.buffer = self.buffer[4 + length :]
                    return frame
            try:
                more = self.sock.recv(65536)
            except TimeoutError:
                raise
            except OSError as why:
                raise Closed(str(why)) from why
            if not more:
                raise Closed("end of stream")
            self.buffer += more

    def start(self, op, entity=None, record=(), fields=None, args=None, **rest):
        """Sends a request and returns its id; finish fetches the reply."""
        frame = pb.Frame()
        request = frame.request
        request.id = self.next_id
        self.next_id += 1
        request.op = op.encode()
        if entity:
            request.entity = entity.encode()
        for one in record if isinstance(record, (list, tuple)) else [record]:
            request.record.append(as_bytes(one))
        for name, value in (fields or {}).items():
            request.set.add(name=name.encode(), value=as_bytes(value))
        for name, value in (args or {}).items():
            request.arg.add(name=name.encode(), value=as_bytes(value))
        for name, value in rest.items():
            setattr(request, name, value.encode() if isinstance(value, str) else value)
        self.send(frame)
        return request.id

    def finish(self, request_id, timeout=20):
        deadline = time.monotonic() + timeout
        while request_id not in self.replies:
            self.take(self.read_frame(max(0.001, deadline - time.monotonic())))
        reply = self.replies.pop(request_id)
        if reply.status.code != pb.OK:
            raise Refused(reply.status)
        return reply

    def take(self, frame):
        if frame.HasField("reply"):
            self.replies[frame.reply.id] = frame.reply
        elif frame.HasField("event") and frame.event.kind:
            self.events.append(frame.event)

    def call(self, op, *args, **kwargs):
        return self.finish(self.start(op, *args, **kwargs))

    def start_rows(self, entity, columns, rows, operation=0):
        """Sends rows of an import, texts in the order of the columns; begins an operation or joins one. Returns the request's id."""
        frame = pb.Frame()
        request = frame.request
        request.id = self.next_id
        self.next_id += 1
        request.op, request.entity = b"import.rows", entity.encode()
        request.column.extend(name.encode() for name in columns)
        for line, row in enumerate(rows):
            request.row.add(line=line + 2).cell.extend(text.encode() for text in row)
        if operation:
            request.arg.add(name=b"operation", value=b"%d" % operation)
        self.send(frame)
        return request.id

    def rows(self, entity, columns, rows, operation=0):
        return self.finish(self.start_rows(entity, columns, rows, operation), 60)

    def job(self, operation):
        """What a job of the server says of itself, and how many records it has changed."""
        reply = self.call("operation.state", args={"operation": operation})
        return next(v.value for v in reply.value if v.name == b"state").decode(), reply.count

    def job_until(self, operation, goal):
        """Asks until so many records are changed, or the job has ended."""
        end = time.monotonic() + 600
        while time.monotonic() < end:
            now = self.job(operation)
            if now[0] != "running" or now[1] >= goal:
                return now
            time.sleep(0.002)
        return ("over time", 0)

    def login(self, username, password):
        reply = self.call("session.login", args={"username": username, "password": password})
        return {v.name.decode(): v.value for v in reply.value}

    def event(self, timeout=20):
        """The next event that is not a heartbeat."""
        deadline = time.monotonic() + timeout
        while not self.events:
            self.take(self.read_frame(max(0.001, deadline - time.monotonic())))
        return self.events.pop(0)

    def entity(self, name):
        if self.schema is None:
            self.schema = self.call("schema.get").schema
        for entity in self.schema.entity:
            if entity.name.decode() == name:
                return entity
        raise KeyError(name)

    def decode(self, entity, record):
        """A record in wire form as a dict of Python values, by the schema that the server sent."""
        by_tag = {f.tag: f for f in self.entity(entity).field}
        out = {"id": record.id, "version": record.version}
        data, at = record.fields, 0
        while at < len(data):
            key, at = varint(data, at)
            if key & 7 == 0:
                value, at = varint(data, at)
            elif key & 7 == 2:
                length, at = varint(data, at)
                value = data[at : at + length].decode()
                at += length
            else:
                raise ValueError(f"wire type {key & 7}")
            field = by_tag[key >> 3]
            name, kind = field.name.decode(), field.type.decode()
            if kind in SIGNED:
                value = (value >> 1) ^ -(value & 1)
            if kind in LISTS:
                out.setdefault(name, []).append(value)
            else:
                out[name] = value
        return out

    def close(self):
        self.sock.close()


def pin_of(ca_file):
    """SHA-256 of the CA's SubjectPublicKeyInfo, lower-case hex."""
    key = subprocess.run(
        ["openssl", "x509", "-in", ca_file, "-pubkey", "-noout"], check=True, capture_output=True
    ).stdout
    spki = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True, capture_output=True
    ).stdout
    return hashlib.sha256(spki).hexdigest()
