"""A company for tests that attack: two branches, people of several roles, one record of every kind in each branch, all made from the
schema, so that a new entity is attacked by itself."""

import hashlib
import os

from guanxi_client import Refused, Session, pb
from server import PASSWORD

SECRET = "秘密"  # stands in every text of the other branch's records
REQUIRED, INDEXED, COMPUTED, VIRTUAL, READONLY, RETIRED = 0x1, 0x4, 0x20, 0x80, 0x100, 0x200
UNSETTABLE = COMPUTED | VIRTUAL | READONLY | RETIRED
COMMON = {"created_at", "updated_at", "created_by", "updated_by", "external_id", "deleted_at", "deleted_by"}
REFERENCES = {"ref", "refs"}

# What the type of a required field does not tell.
FIXED = {
    "customer": {"phone": "0571-8000{n:04}", "city": "杭州"},
    "contact": {"mobile": "1380000{n:04}"},
    "activity": {"customer": "*customer"},
    "task": {"customer": "*customer"},
    "document": {"customer": "*customer"},
    "note": {"customer": "*customer"},
    "custom_field": {"entity": "customer", "type": "text", "field": "extra_{n}"},
    "reminder": {"start_on": "2099-01-02"},
    "sale": {"product_name": "x", "unit_price": "1", "status": "draft"},
    "sales_plan": {"plan_year": "{year}"},
    "operating_record": {"month": "2026-1{n1}"},
    "campaign": {"target_filter": "id > 0"},
    "saved_filter": {"entity": "customer", "filter": "id > 0"},
    "role": {"rights": "customer.change"},
    "dictionary_entry": {"dictionary": "industry"},
    "part_movement": {"service_order": "*service_order"},
    "message": {"recipient": "13800000001"},
    "branch": {"time_zone": "Asia/Shanghai"},
    "user": {"roles": "sales"},
    "cadence_rule": {"entity": "customer", "period": "month", "code": "rule_{n}"},
    "calendar_day": {"day": "{year}-05-06"},
}
# Entities whose records belong to nobody's branch: everybody sees them.
SHARED = {"portfolio", "region", "branch", "team", "user", "role", "dictionary", "dictionary_entry", "custom_field", "setting", "product",
          "product_price", "part", "article", "notice", "calendar_day", "cadence_rule"}
UNMADE = {"operation", "setting", "dictionary"}  # the server's own


def name_of(field):
    return field.name.decode()


def type_of(field):
    return field.type.decode()


def settable(entity):
    return [f for f in entity.field if not f.flags & UNSETTABLE and name_of(f) not in COMMON]


def connect(server, user="admin"):
    s = Session(server.address, server.ca)
    s.login(user, PASSWORD)
    return s


def join(server, admin, username, role, branch):
    """A user with a password, and a session of it."""
    admin.call("record.add", "user", fields={"username": username, "name": username, "roles": role, "branch": branch})
    code = {v.name: v.value for v in admin.call("user.invite", record=username).value}[b"code"]
    s = Session(server.address, server.ca)
    s.call("session.join", args={"code": code, "password": PASSWORD})
    s.close()
    return connect(server, username)


def upload(s, data):
    """An upload that is complete, as the value of a field."""
    reply = s.call("file.begin", "document", args={"field": "content", "name": "x.bin"})
    number = next(v.value for v in reply.value if v.name == b"file")
    s.call("file.append", args={"file": number, "offset": 0}, data=data)
    digest = hashlib.sha256(data).hexdigest()
    s.call("file.finish", args={"file": number, "sha256": digest})
    return "upload:" + digest


class Made:
    """Records of every kind that belong to one user."""

    def __init__(self, admin, number, owner, branch, word):
        self.admin, self.n, self.owner, self.branch, self.word = admin, number, owner, branch, word
        self.ids, self.failed = {}, {}
        admin.entity("customer")
        self.entities = {e.name.decode(): e for e in admin.schema.entity}

    def value(self, entity, f):
        kind, to = type_of(f), f.refers_to.decode()
        if kind in REFERENCES:
            return self.record(to)
        if kind in ("choice", "choices"):
            return f.choice[0].code.decode() if f.choice else None
        if kind == "file":
            return upload(self.admin, os.urandom(1000))
        if name_of(f) in ("username", "code") or (entity, name_of(f)) == ("portfolio", "name"):
            return f"w{self.n}_{entity}"
        return {
            "text": f"{self.word}{entity}", "long_text": f"{self.word}{entity}", "tags": f"{self.word}", "texts": f"{self.word}",
            "integer": "1", "decimal": "1", "money": "1", "percent": "1", "date": "2031-05-06", "birthday": "2001-05-06",
            "datetime": "2031-05-06T00:00:00Z", "time": "10:00", "bool": "yes", "phone": f"0571-8000{self.n:04}",
            "email": f"a{self.n}@example.com", "url": "https://example.com",
        }.get(kind)

    def fields(self, entity):
        message, out = self.entities[entity], {}
        for f in settable(message):
            if f.flags & REQUIRED and not f.flags & 0x40 or type_of(f) in ("text", "long_text") and f.flags & 0x18:
                out[name_of(f)] = self.value(entity, f)
        for name, text in FIXED.get(entity, {}).items():
            out[name] = self.record(text[1:]) if text[0] == "*" else text.format(n=self.n, n1=self.n % 3, year=2030 + self.n)
        names = {name_of(f): f for f in settable(message)}
        for name in ("owner", "assignee", "technician", "salesperson", "recorded_by", "collected_by", "user"):
            if name in names and names[name].refers_to == b"user":
                out[name] = self.owner
        if "branch" in names and entity not in SHARED:
            out["branch"] = self.branch
        return {k: v for k, v in out.items() if v is not None}

    def record(self, entity):
        """The id of its record of this entity, made when it is asked for first."""
        if entity not in self.ids:
            self.ids[entity] = None
            if entity in UNMADE:
                return None
            fields = self.fields(entity)
            for _ in range(8):
                try:
                    self.ids[entity] = self.admin.call("record.add", entity, fields=fields, args={"force": "1"}, reason="x").record[0].id
                    break
                except Refused as r:
                    self.failed[entity] = str(r)
                    bad = [name for name in r.fields if name in fields]
                    if not bad:
                        break
                    for name in bad:
                        del fields[name]
        return self.ids[entity]

    def all(self):
        for entity in self.entities:
            self.record(entity)
        return {e: i for e, i in self.ids.items() if i}


def outcome(call):
    """A reply, or the refusal."""
    try:
        return call(), None
    except Refused as r:
        return None, r


def code_of(call):
    reply, refused = outcome(call)
    return pb.OK if reply is not None else refused.code
