#!/usr/bin/python3
"""Mail digests against a real SMTP server on loopback: one a user and day, in Chinese, over TLS with a login; refused a hundred times
nothing of a reminder changes; killed in between, the same mail comes again under the same Message-ID.
"""

import datetime
import email
import email.policy
import logging
import os
import ssl
import subprocess
import sys
import threading
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guanxi_client import Session
from server import BIN, PASSWORD, Server, Tap

tap = Tap()
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.simplefilter("ignore")


class Box:
    """What the mail server took; answer is what it says to the next mails."""

    def __init__(self):
        self.mails, self.answer, self.tries, self.logins = [], "250 taken", 0, []

    async def handle_DATA(self, server, session, envelope):
        self.tries += 1
        if self.answer.startswith("250"):
            self.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return self.answer

    def login(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"geheim")


def smtp(box, **more):
    """A mail server on a port of its own."""
    controller = Controller(box, hostname="127.0.0.1", port=0, **more)
    original = controller._create_server

    # port 0: the kernel's choice is known after the start; the controller's own first connection needs it
    def create():
        import socket
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        controller.port = s.getsockname()[1]
        s.close()
        return original()

    controller._create_server = create
    controller.start()
    return controller


def notify(server, *args):
    done = subprocess.run([os.path.join(BIN, "guanxi-notify"), "-D", server.data, "--once", *args], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def values(session):
    return {v.name.decode(): v.value.decode() for v in session.call("health").value}


def setting(admin, name, value):
    found = admin.call("record.list", "setting", filter=f"name = {name}").record[0].id
    admin.call("record.set", "setting", found, fields={"value": value})


def add_user(admin, server, name, **fields):
    fields = {"username": name, "name": name, "roles": "sales", "branch": "main", "state": "active", "email": f"{name}@firm.example", **fields}
    return admin.call("record.add", "user", fields=fields).record[0].id


def remind(admin, user, day, count):
    for n in range(count):
        admin.call("record.add", "reminder", fields={"title": f"拜访客户{n}", "start_on": day, "time_of_day": "09:00", "user": str(user)})


def open_count(admin, user):
    return admin.call("record.count", "reminder", filter=f"user = {user} and state = fired").count


def fired(admin):
    """Waits until nothing is due."""
    for _ in range(1000):
        if values(admin)["reminders_due_now"] == "0":
            return
        threading.Event().wait(0.02)
    raise RuntimeError("reminders do not fire")


def certificate(folder):
    """An authority of its own for the mail server."""
    key, cert = os.path.join(folder, "smtp.key"), os.path.join(folder, "smtp.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "30",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def move(server, admin, when):
    """Business time, until the server has seen it and fired what is due."""
    server.set_clock(when)
    for _ in range(1000):
        if values(admin)["now"] == when:
            return fired(admin)
        threading.Event().wait(0.02)
    raise RuntimeError("the clock does not move")


def one_a_day(server, admin, box, port):
    li = add_user(admin, server, "li")
    add_user(admin, server, "en", language="en")
    remind(admin, li, "2026-11-24", 1)
    move(server, admin, "2026-11-24T01:00:00Z")
    tap.is_("without a mail server there is no mail", values(admin)["mail_waiting"], "0")
    setting(admin, "mail.from", "guanxi@firm.example")
    setting(admin, "mail.tls", "none")
    setting(admin, "mail.server", f"smtp://127.0.0.1:{port}")
    remind(admin, li, "2026-11-25", 200)
    move(server, admin, "2026-11-25T01:00:00Z")
    tap.is_("before its time no mail is written", values(admin)["mail_waiting"], "0")
    move(server, admin, "2026-11-25T01:15:00Z")
    tap.is_("200 reminders on one day are one mail", values(admin)["mail_waiting"], "1")
    tap.is_("the helper takes it", notify(server), (0, ""))
    tap.is_("and it was sent once", (len(box.mails), values(admin)["mail_waiting"]), (1, "0"))
    envelope, mail = box.mails[0]
    tap.is_("to its user", (envelope.rcpt_tos, envelope.mail_from), (["li@firm.example"], "guanxi@firm.example"))
    tap.is_("with a Chinese subject", mail["subject"], "关系客户系统:201 条提醒待处理")
    text = mail.get_content().replace("\r\n", "\n")
    tap.ok("that says what waits, newest first, and how much more", text.count("拜访客户") == 100 and "还有 101 条" in text and "2026-11-25 09:00" in text.split("\n")[0], text[:300])
    raw = envelope.content
    tap.ok("in ASCII of short lines", all(b < 128 for b in raw) and max(map(len, raw.split(b"\r\n"))) <= 78, "")
    tap.ok("with all that a mail has", all(mail[h] for h in ("From", "To", "Date", "Message-ID", "MIME-Version", "Auto-Submitted")), str(mail.items()))
    tap.is_("no second one that day", notify(server) + (len(box.mails),), (0, "", 1))
    story = [c.kind.decode() for c in admin.call("reminder.audit", "reminder", admin.call("record.list", "reminder", filter="start_on = 2026-11-25", limit=1).record[0].id).change]
    tap.ok("the story of a reminder names the mail", "mailed" in story, str(story))
    return li


def refused(server, admin, box, li):
    before = open_count(admin, li)
    remind(admin, li, "2026-11-26", 2)
    move(server, admin, "2026-11-26T01:15:00Z")
    move(server, admin, "2026-11-27T01:15:00Z")
    box.answer = "451 try later"
    codes = set()
    for n in range(100):
        when = datetime.datetime(2026, 11, 27, 1, 15) + n * datetime.timedelta(minutes=61)
        move(server, admin, when.strftime("%Y-%m-%dT%H:%M:00Z"))
        codes.add(notify(server)[0])
    tap.is_("refused a hundred times", (codes, box.tries), ({1}, 101))
    tap.is_("no reminder has changed", open_count(admin, li), before + 2)
    health = values(admin)
    tap.is_("the mail waits", (health["mail_waiting"], health["mail_refused"]), ("1", "1"))
    tap.ok("health says why", "451" in health["mail_error"] and "mail was refused 100 times" in health.get("alarm", ""), str(health))
    code, said = notify(server)
    tap.is_("before its next time it is not tried", (code, said, box.tries), (0, "", 101))
    box.answer = "250 taken"
    move(server, admin, "2026-12-02T01:00:00Z")
    tap.is_("then it is taken", notify(server), (0, ""))
    tap.is_("once", (len(box.mails), values(admin)["mail_waiting"]), (2, "0"))
    tap.ok("and health is well", "mail" not in values(admin).get("alarm", ""), values(admin).get("alarm", ""))


def killed(server, admin, box, li):
    """The helper dies after the mail server took the mail and before it could tell."""
    remind(admin, li, "2026-12-03", 1)
    move(server, admin, "2026-12-03T01:00:00Z")
    move(server, admin, "2026-12-03T01:15:00Z")
    holder = {}

    async def kill_then_take(smtp_server, session, envelope):
        box.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        holder["helper"].kill()
        return "250 taken"

    box.handle_DATA, kept = kill_then_take, box.handle_DATA
    holder["helper"] = subprocess.Popen([os.path.join(BIN, "guanxi-notify"), "-D", server.data, "--once"])
    holder["helper"].wait(60)
    box.handle_DATA = kept
    tap.is_("killed before it could say so", values(admin)["mail_waiting"], "1")
    server.kill()
    server.start()
    tap.is_("the mail is sent again, also by another server", notify(server), (0, ""))
    tap.is_("under the same Message-ID", box.mails[-1][1]["Message-ID"], box.mails[-2][1]["Message-ID"])


def over_tls(server, li):
    admin = Session(server.address, server.ca)
    admin.login("admin", PASSWORD)
    box = Box()
    context, ca = certificate(server.dir)
    mail_server = smtp(box, tls_context=context, require_starttls=True, authenticator=box.login, auth_required=True)
    setting(admin, "mail.server", f"smtp://127.0.0.1:{mail_server.port}")
    setting(admin, "mail.tls", "required")
    remind(admin, li, "2026-12-04", 1)
    move(server, admin, "2026-12-04T01:00:00Z")
    move(server, admin, "2026-12-04T01:15:00Z")
    path = os.path.join(server.dir, "login")
    with open(path, "w") as f:
        f.write("guanxi\ngeheim\n")
    os.chmod(path, 0o644)
    tap.is_("a login that others may read is refused", notify(server, "--credentials", path)[0], 78)
    os.chmod(path, 0o600)
    code, said = notify(server, "--credentials", path)
    tap.ok("a certificate of nobody is refused", code == 1 and "certificate" in said and not box.logins, said)
    move(server, admin, "2026-12-04T02:15:00Z")
    tap.is_("over TLS with a login it goes out", notify(server, "--credentials", path, "--ca", ca), (0, ""))
    tap.is_("with that login", (box.logins, len(box.mails)), ([(b"guanxi", b"geheim")], 1))
    mail_server.stop()
    remind(admin, li, "2026-12-05", 1)
    move(server, admin, "2026-12-05T01:00:00Z")
    move(server, admin, "2026-12-05T01:15:00Z")
    code, said = notify(server, "--credentials", path, "--ca", ca)
    tap.ok("a mail server that is not there loses nothing", code == 1 and values(admin)["mail_waiting"] == "1", said)
    admin.close()


def main():
    box = Box()
    mail_server = smtp(box)
    server = Server(clock="2026-11-23T06:00:00Z")
    try:
        server.start()
        admin = Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        for name in ("session.idle_minutes", "session.max_hours"):
            setting(admin, name, "0")
        li = one_a_day(server, admin, box, mail_server.port)
        refused(server, admin, box, li)
        killed(server, admin, box, li)
        over_tls(server, li)
        server.stop()
        code, text = server.check()
        tap.ok("the store checks clean", code == 0, text)
    finally:
        mail_server.stop()
        server.remove()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
