#!/usr/bin/python3
"""Stands between a client and the server, and answers one operation itself: with the status of a number, or by hanging up.

proxy.py SERVER-DIR PROFILE-DIR OP CODE|close: prints its address, serves until it is killed.
"""

import socket
import ssl
import struct
import sys
import tempfile
import threading

from guanxi_client import pb

folder, profile, op, answer = sys.argv[1:]
host, port = open(folder + "/listen").readline().strip().rsplit(":", 1)

def frames(sock):
    data = b""
    while True:
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            more = sock.recv(65536)
            if not more:
                return
            data += more
        size = 4 + struct.unpack(">I", data[:4])[0]
        yield data[4:size]
        data = data[size:]

def send(sock, body):
    sock.sendall(struct.pack(">I", len(body)) + body)

def back(server, client, passed):
    try:
        for body in frames(server):
            send(client, body)
            passed.release()
    except OSError:
        pass

def serve(client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder + "/ca.pem")
    context.load_cert_chain(profile + "/certificate.pem", profile + "/key.pem")
    server = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
    passed = threading.Semaphore(0)
    threading.Thread(target=back, args=(server, client, passed), daemon=True).start()
    for body in frames(client):
        frame = pb.Frame()
        frame.ParseFromString(body)
        if frame.HasField("request") and frame.request.op == op.encode():
            passed.acquire()  # the greeting and the answer to the resume, which came in one write with this
            passed.acquire()
            if answer == "close":
                client.shutdown(socket.SHUT_RDWR)
                return
            reply = pb.Frame()
            reply.reply.id = frame.request.id
            reply.reply.status.code = int(answer)
            reply.reply.status.message = b"as was asked for"
            send(client, reply.SerializeToString())
        else:
            send(server, body)

listener = socket.create_server(("127.0.0.1", 0))
print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
with tempfile.NamedTemporaryFile() as chain:
    chain.write(open(folder + "/server.pem", "rb").read() + open(folder + "/ca.pem", "rb").read())
    chain.flush()
    context.load_cert_chain(chain.name, folder + "/server.key")
while True:
    raw, _ = listener.accept()
    try:
        threading.Thread(target=serve, args=(context.wrap_socket(raw, server_side=True),), daemon=True).start()
    except OSError:
        pass
