#!/usr/bin/python3
"""The product's own figures: bench.py [CUSTOMERS] (default 100,000). Prints one line a figure.

Two contacts and three activities a customer are loaded as well. "At the server" is Status.server_us, p99 over 1,000 calls with at least
200 different values, as administrator and as a salesperson who owns 0.2 % of the rows. KEEP_STORE=DIR keeps the store there; if DIR has one
already it is measured as it stands, without the import. ONLY=WORD measures the queries alone that have the word in their names.
"""

import os
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
from guanxi_client import Session
from server import BIN, PASSWORD, Server

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
IDLE = int(os.environ.get("IDLE", "1000"))
ONLY = os.environ.get("ONLY", "")
OWNER, EVERY = "wang", 500
CALLS = int(os.environ.get("CALLS", "1000"))


def figure(name, value, unit, bound=None):
    print(f"{name:64} {value:10.2f} {unit:8}" + (f" at most {bound}" if bound is not None else ""), flush=True)


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


def client(server, profile, *args):
    env = dict(os.environ, GUANXI_CONFIG_DIR=os.path.join(server.dir, profile), GUANXI_LANG="en", LC_ALL="C.UTF-8")
    return subprocess.run([os.path.join(BIN, "guanxi"), *args], env=env, capture_output=True, text=True)


def must(done):
    if done.returncode:
        raise RuntimeError(f"{done.args}: exit {done.returncode}\n{done.stderr}")
    return done


def wall(call, n):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return percentile(times, 0.5)


def rss_mb(pid, key="RssAnon"):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    return 0


def accounts(server):
    must(client(server, "admin", "login", server.address, "-u", "admin", "--password-file", server.password_file, "--ca", server.ca))
    must(client(server, "admin", "branch", "add", "code=hz", "name=杭州"))
    line = server.run("invite", "--user", "wang", "--role", "sales", "--branch", "hz")
    line = next(word for word in line.split() if word.startswith("guanxi://"))
    must(client(server, "wang", "join", line, "--password-file", server.password_file))


def written(server, kind, rows):
    path = os.path.join(server.dir, kind + ".csv")
    with open(path, "w") as f:
        generator = os.path.join(HERE, "generate.py")
        subprocess.run([sys.executable, generator, kind, str(rows), OWNER, str(EVERY)], stdout=f, check=True)
    return path


def brought_in(server, entity, path):
    """Imports a file; the client's memory while it does."""
    env = dict(os.environ, GUANXI_CONFIG_DIR=os.path.join(server.dir, "admin"))
    importer = subprocess.Popen([os.path.join(BIN, "guanxi"), entity, "import", path], env=env, stderr=subprocess.PIPE, text=True)
    peaks = []
    while importer.poll() is None:
        peaks.append(rss_mb(importer.pid, "VmRSS"))
        time.sleep(0.05)
    if importer.returncode not in (0, 11):  # a few rows are likely duplicates by chance
        raise RuntimeError(importer.stderr.read())
    return peaks


def store_bytes(server):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(server.data) for f in files if f == "data.mdb")


def bring_in(server):
    csv = 0
    for kind, entity, each in (("customers", "customer", 1), ("contacts", "contact", 2), ("activities", "activity", 3)):
        path = written(server, kind, COUNT * each)
        csv += os.path.getsize(path)
        start = time.perf_counter()
        peaks = brought_in(server, entity, path)
        took = time.perf_counter() - start
        os.remove(path)
        figure(f"import of {COUNT * each} {kind}", took, "s", 20 * COUNT / 100_000 if each == 1 else None)
        if each == 1:
            figure("client memory, first half of the import", max(peaks[: len(peaks) // 2] or [0]), "MiB")
            figure("client memory, second half of the import", max(peaks[len(peaks) // 2:] or [0]), "MiB")
        figure("server private memory after it", rss_mb(server.process.pid), "MiB", 300)
        figure("store size by csv size", store_bytes(server) / csv, "times", 8)


def cpu_ms(server):
    """Of all threads: unlike the clock it tells little of what else runs on the machine."""
    tasks = f"/proc/{server.process.pid}/task"
    return sum(int(open(f"{tasks}/{task}/schedstat").read().split()[0]) for task in os.listdir(tasks)) / 1e6


def at_server(server, session, op, make):
    """Times of the calls, and the server's CPU of each."""
    times, cpu = [], []
    for i in range(CALLS):
        before = cpu_ms(server)
        reply = session.call(op, **make(i))
        cpu.append(cpu_ms(server) - before)
        times.append(reply.status.server_us / 1000)
    return times, cpu


BRANDS = "华中国天地人和信达通联创新科金银宝盛隆兴旺发利泰安康平福瑞祥德诚明光辉星海洋江河山川云风"
CITIES = "北京 上海 广州 深圳 杭州 南京 苏州 成都 重庆 武汉 西安 天津 宁波 长沙 青岛 大连 厦门 合肥 郑州 济南".split()
INDUSTRIES = "software wholesale_retail machinery electronics food textile chemical pharmaceutical logistics building_materials".split()
INITIALS = "hzgtdrhxdtlcxkjybslxwflta"
SYLLABLES = "hua zhong guo tian di ren he xin da tong lian chuang ke jin yin bao sheng long xing wang fa li tai an kang".split()
MODES = "phone wechat meet site_visit email sms video dinner tea".split()
KINDS = "call visit mail message meeting reception".split()
DEPARTMENTS = "总经理办公室 采购部 财务部 技术部 销售部 项目部 生产部 市场部".split()
PAGE_MS, COUNT_MS = 10, 50


def works(owned):
    """Name, op, request by number (200 different values and more), most at the server in ms or None. owned: ids of customers that the caller sees."""
    rng = random.Random(1)
    pairs = [a + b for a in BRANDS for b in BRANDS]
    rng.shuffle(pairs)
    letters = ["".join(rng.choice(INITIALS) for _ in range(rng.choice((2, 3)))) for _ in range(400)]
    sounds = [a + b for a in SYLLABLES for b in SYLLABLES]
    rng.shuffle(sounds)

    def lists(filter, **more):
        return lambda i: {"entity": "customer", "filter": filter(i), **more}

    def finds(text):
        return lambda i: {"text": text(i), "entity": "customer"}

    def page(name, make, op="record.list"):
        return name, op, make, PAGE_MS

    def count(name, filter):
        return name, "record.count", lists(filter), COUNT_MS

    def city(i):
        return CITIES[i % 20]

    return [
        page("get by id", lambda i: {"entity": "customer", "record": [owned[i * 97 % len(owned)]]}, "record.get"),
        page("equal, many of a value", lists(lambda i: f"city = {city(i)} and employee_count != {i}")),
        page("equal, one of a value", lists(lambda i: f"external_id = B{i * 97:07d}")),
        page("range", lists(lambda i: f"annual_revenue >= {i * 99991}")),
        page("sorted by name", lists(lambda i: f"employee_count = {i % 5000 + 1}", sort="name")),
        page("AND of two, sorted by name", lists(lambda i: f"city = {city(i)} and employee_count >= {i % 4000}", sort="name")),
        page("AND of two indexes", lists(lambda i: f"city = {city(i)} and industry = {INDUSTRIES[i // 20 % 10]}")),
        page("OR", lists(lambda i: f"city = {city(i)} or employee_count = {i % 5000 + 1}")),
        page("contacts by two fields of the customer", lambda i: {"entity": "contact", "filter": f"customer.city = {city(i)} and customer.employee_count < {i + 1000}"}),
        page("dates, activities of a day", lambda i: {"entity": "activity", "filter": f"activity_date = {2024 + i % 2}-{i // 2 % 12 + 1:02d}-{i // 24 % 28 + 1:02d}"}),
        page("newest activities of a kind", lambda i: {"entity": "activity", "filter": f"mode = {MODES[i % 9]} and activity_date >= 2024-{i // 9 % 12 + 1:02d}-01"}),
        page("contacts by name", lambda i: {"entity": "contact", "filter": f"gender = {'male' if i % 2 else 'female'} and department = {DEPARTMENTS[i % 8]} and id > {i}", "sort": "name"}),
        page("text ~ in names", lists(lambda i: f"name ~ {pairs[i % len(pairs)]}")),
        page("search of one character", finds(lambda i: (BRANDS + "北上广深杭南苏成重武西天宁长青大厦合郑")[i % 60]), "search"),
        page("search of two characters", finds(lambda i: pairs[i % len(pairs)]), "search"),
        page("search by pinyin", finds(lambda i: sounds[i % len(sounds)]), "search"),
        page("search by initials", finds(lambda i: letters[i % len(letters)]), "search"),
        page("search by digits of a phone", finds(lambda i: str(1000 + i * 37 % 9000)), "search"),
        count("count, equal", lambda i: f"employee_count = {i % 5000 + 1}"),
        count("count, many of a value", lambda i: f"city = {city(i)}"),
        count("count, range", lambda i: f"annual_revenue >= {i * 99991}"),
        count("count, AND of three", lambda i: f"city = {city(i)} and employee_count >= {i % 4000} and annual_revenue < {i * 99991}"),
        ("count of activities of a month and kind", "record.count", lambda i: {"entity": "activity", "filter": f"activity_type = {KINDS[i % 6]} and activity_date >= 2024-{i // 6 % 12 + 1:02d}-01"}, COUNT_MS),
        ("count by city", "record.count", lambda i: {"entity": "customer", "filter": f"employee_count >= {i % 4000}", "args": {"by": "city"}}, None),
        ("count by month", "record.count", lambda i: {"entity": "activity", "filter": f"mode = {MODES[i % 9]}", "args": {"by": "activity_date:month"}}, None),
    ]


def queries(server, user, label):
    session = Session(server.address, server.ca)
    session.login(user, PASSWORD)
    owned = [r.id for r in session.call("record.list", "customer", limit=1000).record]
    for name, op, make, most in works(owned):
        if ONLY not in name:
            continue
        times, cpu = at_server(server, session, op, make)
        figure(f"{name}, {label}, p99 of CPU", percentile(cpu, 0.99), "ms")
        figure(f"{name}, {label}, p50 at the server", percentile(times, 0.5), "ms")
        figure(f"{name}, {label}, p99 at the server", percentile(times, 0.99), "ms", most)
    session.close()


def gets(session, n):
    """Times of n gets with pauses, as the client sees them and as the server says."""
    seen, told = [], []
    for i in range(n):
        began = time.perf_counter()
        reply = session.call("record.get", "customer", i * 7919 % COUNT + 1)
        seen.append((time.perf_counter() - began) * 1000)
        told.append(reply.status.server_us / 1000)
        time.sleep(0.001)
    return seen, told


SCANNER = """
import sys
sys.path.insert(0, sys.argv[1])
from guanxi_client import Session
s = Session(sys.argv[2], sys.argv[3])
s.login("admin", sys.argv[4])
print("ready", flush=True)
while True:
    page = b""
    while True:
        reply = s.call("record.list", "customer", filter="remarks ~ qqq", limit=20, **({"page": page} if page else {}))
        page = reply.next
        if not page:
            break
"""


def while_scanning(server):
    """Gets of one client without and with a filter of another one that no index answers: the two in turns."""
    session = Session(server.address, server.ca)
    session.login("admin", PASSWORD)
    gets(session, CALLS)
    times = {False: ([], []), True: ([], [])}
    for _ in range(3):
        for scan in (False, True):
            scanner = None
            if scan:
                command = [sys.executable, "-c", SCANNER, os.path.join(HERE, "..", "interop"), server.address, server.ca, PASSWORD]
                scanner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                scanner.stdout.readline()
            for into, new in zip(times[scan], gets(session, CALLS)):
                into.extend(new)
            if scanner:
                scanner.kill()
                scanner.wait()
    for k, where in enumerate(("at the client", "at the server")):
        alone = percentile(times[False][k], 0.99)
        figure(f"get, nobody else, p99 {where}", alone, "ms")
        figure(f"get while a filter scans, p99 {where}", percentile(times[True][k], 0.99), "ms", round(2 * alone, 3))
    session.close()


def reminder_among_idle(server):
    idle, errors = [], []

    def connect(n):
        try:
            for _ in range(n):
                idle.append(Session(server.address, server.ca))
                idle[-1].login("admin", PASSWORD)
        except Exception as why:
            errors.append(why)

    threads = [threading.Thread(target=connect, args=(IDLE // 4,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    watcher = Session(server.address, server.ca)
    watcher.login("wang", PASSWORD)
    watcher.call("watch")
    lags = []
    for i in range(5):
        now = time.time()
        due = now + 2
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
        due = float(int(due))
        added = watcher.call("record.add", "reminder", fields={"title": f"r{i}", "start_on": "today", "time_of_day": "00:00"})
        own = f"r{i}".encode()
        event = watcher.event()
        while event.title != own:
            event = watcher.event()
        watcher.call("reminder.snooze", record=[added.record[0].id], args={"until": text})
        event = watcher.event()
        while event.kind != b"reminder" or event.title != own:
            event = watcher.event()
        lags.append((time.time() - due) * 1000)
    figure(f"reminder with {len(idle)} idle clients, due to received, worst of 5", max(lags), "ms", 1000)
    figure("server private memory with them", rss_mb(server.process.pid), "MiB")
    for s in idle:
        s.close()


def birthday_morning():
    """2,000 birthdays at nine o'clock over 100 clients that watch, while another client reads."""
    server, each, watchers, last = Server(clock="2026-11-23T00:59:00Z"), 20, [], []
    try:
        server.start()
        admin, reader = Session(server.address, server.ca), Session(server.address, server.ca)
        admin.login("admin", PASSWORD)
        reader.login("admin", PASSWORD)
        customer = admin.call("record.add", "customer", fields={"name": "杭州长河", "phone": "0571-1"}).record[0].id
        for n in range(100):
            user = admin.call("record.add", "user", fields={"username": f"b{n}", "name": f"b{n}", "roles": "sales", "branch": "main"}).record[0].id
            code = {v.name.decode(): v.value for v in admin.call("user.invite", record=user).value}["code"]
            watchers.append(Session(server.address, server.ca))
            watchers[-1].call("session.join", args={"code": code, "password": PASSWORD})
            watchers[-1].call("watch")
            for i in [admin.start("record.add", "contact", fields={
                    "name": f"b{n}-{k}", "customer": customer, "birthday": "11-23", "owner": f"b{n}"}) for k in range(each)]:
                admin.finish(i)
        wrong = []

        def receive(n):
            titles = {watchers[n].event(60).title.decode() for _ in range(each)}
            last.append(time.perf_counter())
            if titles != {f"b{n}-{k}" for k in range(each)}:
                wrong.append(n)

        threads = [threading.Thread(target=receive, args=(n,)) for n in range(100)]
        for t in threads:
            t.start()
        start, reads = time.perf_counter(), []
        server.set_clock("2026-11-23T01:00:00Z")
        while any(t.is_alive() for t in threads):
            began = time.perf_counter()
            reader.call("record.get", "customer", customer)
            reads.append((time.perf_counter() - began) * 1000)
            time.sleep(0.002)
        if wrong or len(last) != 100:
            raise RuntimeError(f"{100 - len(last) + len(wrong)} clients did not get their birthdays")
        figure("2,000 birthdays over 100 clients, due to the last received", max(last) - start, "s", 10)
        figure("get of another client meanwhile, p99 at the client", percentile(reads, 0.99), "ms", 250)
    finally:
        server.remove()


def restart(server):
    server.stop()
    start = time.perf_counter()
    server.start()
    figure("start of the server on that store", (time.perf_counter() - start), "s", 0.5)


def main():
    server = Server(keep=os.environ.get("KEEP_STORE"))
    try:
        server.start()
        if server.made:
            accounts(server)
            figure("guanxi --version", wall(lambda: client(server, "admin", "--version"), 50), "ms", 5)
            bring_in(server)
            show = str(COUNT // 2)
            must(client(server, "admin", "customer", "show", show))
            figure("guanxi customer show ID", wall(lambda: client(server, "admin", "customer", "show", show), 50), "ms", 25)
        queries(server, "admin", "administrator")
        queries(server, OWNER, "salesperson")
        figure("server private memory after the queries", rss_mb(server.process.pid), "MiB", 300)
        if ONLY:
            return
        while_scanning(server)
        restart(server)
        reminder_among_idle(server)
    finally:
        server.remove()
    birthday_morning()


if __name__ == "__main__":
    main()
