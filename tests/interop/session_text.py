"""Frames as annotated hex: the form of PROTOCOL.md's section "One session byte by byte".

A frame becomes lines of "hex  words": one for the length, one for each message that is opened, one for each field.
The words are made from the bytes, so a text whose words differ from what its bytes make is wrong.
"""

import struct

from guanxi_client import SIGNED, pb, varint

COLUMN = 56  # where the words begin
OPENED = {"hello", "request", "reply", "event", "record", "subject"}  # messages shown field by field
BINARY = {"schema_hash", "token", "certificate", "next", "page"}
LINE = 16  # bytes of a long field's line


def key(data, at):
    number, after = varint(data, at)
    return number >> 3, number & 7, after


def fields(data):
    """(number, wire type, value, whole bytes, bytes before the value) of each field."""
    at = 0
    while at < len(data):
        start = at
        number, wire, at = key(data, at)
        value, at = varint(data, at)
        head = at
        if wire == 2:
            if at + value > len(data):
                raise ValueError("a field is cut short")
            value, at = data[at : at + value], at + value
        elif wire != 0:
            raise ValueError(f"wire type {wire}")
        yield number, wire, value, data[start:at], data[start:head]


def text(name, value):
    if name in BINARY:
        return f"{len(value)} bytes"
    return '"' + value.decode() + '"'


def short(message):
    """A message in one line of words."""
    words = []
    for field, value in message.ListFields():
        if field.message_type:
            words.append(f"{field.name} {{ {short(value)} }}")
        elif field.enum_type:
            words.append(f"{field.name} {field.enum_type.values_by_number[value].name}")
        elif isinstance(value, bytes):
            owner = message.name.decode() if message.DESCRIPTOR.name == "Pair" else field.name
            words.append(f"{field.name} {text(owner, value) if field.name != 'name' else value.decode()}")
        else:
            words.append(f"{field.name} {value}")
    return ", ".join(words)


class Annotator:
    """schema: entity number -> (name, {tag: (name, type)})."""

    def __init__(self, schema):
        self.schema = schema
        self.lines = []

    def line(self, depth, data, words):
        rows = [data[i : i + LINE].hex(" ") for i in range(0, len(data), LINE)] or [""]
        for row in rows:
            self.lines.append(f"{'  ' * depth + row:<{COLUMN}}  {words}".rstrip())
            words = ""

    def record(self, depth, data, entity):
        for tag, wire, value, whole, _ in fields(data):
            name, kind = self.schema[entity][1][tag]
            if kind in SIGNED:
                value = (value >> 1) ^ -(value & 1)
            self.line(depth, whole, f"{tag} {name}: {text(name, value) if wire == 2 else value}")

    def message(self, depth, data, descriptor):
        entity = 0
        for number, wire, value, whole, head in fields(data):
            field = descriptor.fields_by_number[number]
            if field.name == "entity" and wire == 0:
                entity = value
            if field.message_type and field.name in OPENED:
                self.line(depth, head, field.name)
                self.message(depth + 1, value, field.message_type)
            elif field.message_type:
                part = getattr(pb, field.message_type.name)()
                part.ParseFromString(value)
                self.line(depth, whole, f"{field.name}: {short(part)}")
            elif field.name == "fields":
                self.line(depth, head, f"fields of {self.schema[entity][0]}")
                self.record(depth + 1, value, entity)
            else:
                note = f" ({self.schema[value][0]})" if field.name == "entity" and wire == 0 else ""
                self.line(depth, whole, f"{field.name}: {text(field.name, value) if wire == 2 else value}{note}")

    def frame(self, data):
        self.lines = []
        self.line(0, data[:4], f"length {struct.unpack('>I', data[:4])[0]}")
        self.message(0, data[4:], pb.Frame.DESCRIPTOR)
        return "\n".join(self.lines)


def schema_names(message):
    return {
        e.number: (e.name.decode(), {f.tag: (f.name.decode(), f.type.decode()) for f in e.field})
        for e in message.entity
    }


def hex_of(block):
    """The bytes of an annotated block."""
    return bytes.fromhex("".join(line[:COLUMN] for line in block.splitlines()))
