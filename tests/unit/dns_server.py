# SPDX-License-Identifier: MIT
"""The name server that dns_probe_test.c asks: honest, mute or lying, by the first label of the name.

    dns_server.py

Listens at one port of 127.0.0.1 to 127.0.0.250 and of ::1, over UDP and TCP, prints it with an unused one
("53535 53536"), and ends when its standard input does.  The answer to a TXT question is one string: the
word "right", or what a manner says; a lie has the string "lie".
"""
import heapq
import itertools
import selectors
import socket
import struct
import sys
import threading
import time

ADDRESSES = [f"127.0.0.{n}" for n in range(1, 251)] + ["::1"]
FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 1, 2, 3, 5
QR, AA, TC, RD, AD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0020


class Question:
    def __init__(self, wire, tcp, peer):
        self.wire, self.tcp, self.peer = wire, tcp, peer
        self.id, self.flags, _, _, _, extra = struct.unpack("!6H", wire[:12])
        at, self.labels = 12, []
        while wire[at]:
            self.labels.append(wire[at + 1:at + 1 + wire[at]])
            at += 1 + wire[at]
        self.section = wire[12:at + 5]
        self.edns = self.do = 0
        if extra:
            kind, self.edns, ttl = struct.unpack("!HHI", wire[at + 6:at + 14])
            assert wire[at + 5] == 0 and kind == 41
            self.do = ttl >> 15 & 1

    def answer(self, text="right", rcode=0, flags=AA, id=None, section=None, opt=None, n=1):
        """The message; `text` None: no record."""
        strings = b"" if text is None else bytes([len(text)]) + text.encode()
        record = b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, len(strings)) + strings
        opt = bool(self.edns) if opt is None else opt
        records = n if text is not None else 0
        return (struct.pack("!6H", self.id if id is None else id, QR | flags | self.flags & (RD | 0x7800) | rcode, 1,
                            records, 0, opt)
                + (section or self.section) + record * records
                + (b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0) if opt else b""))

    def swapped(self):
        return bytes(c ^ 0x20 if chr(c).isalpha() else c for c in self.section[:-4]) + self.section[-4:]


# A manner: what is sent, in its order.  bytes, None (close), or a number of seconds to wait.

def right(q):
    return [q.answer()]


def echo(q):
    """What was asked, and how."""
    name = b".".join(q.labels).decode()
    flags = "".join(word + " " for bit, word in ((RD, "rd"), (AD, "ad")) if q.flags & bit)
    return [q.answer(f"{name} {flags}edns={q.edns} do={q.do} id={q.id} port={q.peer[1]}"
                     f" {'tcp' if q.tcp else 'udp'}")]


def silent(q):
    return right(q) if q.tcp else []


def dead(q):
    return []


def closing(q):
    return [None] if q.tcp else []


def wrongid(q):
    return [q.answer("lie", id=q.id ^ 1), q.answer()]


def wrongname(q):
    return [q.answer("lie", section=q.section[:1] + b"X" + q.section[2:]), q.answer()]


def wrongtype(q):
    return [q.answer("lie", section=q.section[:-4] + b"\0\1\0\1"), q.answer()]


def wrongcase(q):
    return right(q) if q.tcp else [q.answer("lie", section=q.swapped())]


def anycase(q):
    return [q.answer(section=q.swapped())]


def wrongsource(q):
    return right(q) if q.tcp else [("elsewhere", q.answer("lie")), q.answer()]


def truncated(q):
    return [q.answer("x" * 250, n=20)] if q.tcp else [q.answer(None, flags=AA | TC)]


def halftruncated(q):
    return [None] if q.tcp else [q.answer(None, flags=AA | TC)]


def alltruncated(q):
    """An answer that says of itself that it is not whole, over TCP, too."""
    return [q.answer("part", flags=AA | TC)]


def casehalf(q):
    return [None] if q.tcp else [q.answer("lie", section=q.swapped())]


def big(q):
    return [q.answer("lie" if q.tcp else "y" * 240, n=4)]


def formerr(q):
    return [q.answer(None, FORMERR, opt=False) if q.edns else q.answer()]


def formerropt(q):
    return [q.answer(None, FORMERR) if q.edns else q.answer()]


def formerrhead(q):
    return [struct.pack("!6H", q.id, QR | FORMERR, 0, 0, 0, 0) if q.edns else q.answer()]


def formerralways(q):
    return [q.answer(None, FORMERR, opt=False)]


def refused(q):
    return [q.answer(None, REFUSED, flags=0)]


def servfail(q):
    return [q.answer(None, SERVFAIL, flags=0)]


def nxdomain(q):
    return [q.answer(None, NXDOMAIN)]


def nodata(q):
    return [q.answer(None)]


def garbage(q):
    """A record is announced that does not come."""
    wire = q.answer(None)
    return [wire[:6] + b"\0\1" + wire[8:]]


def udpgarbage(q):
    return right(q) if q.tcp else garbage(q)


def noise(q):
    return [b"\xff" * 40]


def question(q):
    return [q.wire]


def slow(q):
    return [0.05, q.answer()]


def drip(q):
    return [piece for byte in struct.pack("!H", len(q.answer())) + q.answer() for piece in (0.002, ("raw", bytes([byte])))]


def foreign(q):
    return [q.answer("lie", id=q.id ^ 1), q.answer()]


def foreigners(q):
    return [q.answer("lie", id=q.id ^ 1)] * 10


def short(q):
    return [("raw", struct.pack("!H", 3) + b"abc")]


def manner(q):
    return globals()[q.labels[0].decode().lower()](q)


def serve_stream(sock, peer):
    with sock:
        stream = sock.makefile("rb")
        try:
            while True:
                head = stream.read(2)
                if len(head) < 2:
                    return
                q = Question(stream.read(struct.unpack("!H", head)[0]), True, peer)
                for step in manner(q):
                    if step is None:
                        return
                    if isinstance(step, float):
                        time.sleep(step)
                    elif isinstance(step, tuple):
                        sock.sendall(step[1])
                    else:
                        sock.sendall(struct.pack("!H", len(step)) + step)
        except ConnectionError:
            return


class Datagrams:
    def __init__(self):
        self.later, self.count = [], itertools.count()

    def take(self, sock):
        wire, peer = sock.recvfrom(4096)
        when = time.monotonic()
        for step in manner(Question(wire, False, peer)):
            if isinstance(step, float):
                when += step
            else:
                heapq.heappush(self.later, (when, next(self.count), sock, peer, step))

    def send_due(self):
        """Sends what is due, and tells how long nothing is."""
        while self.later and self.later[0][0] <= time.monotonic():
            _, _, sock, peer, step = heapq.heappop(self.later)
            if isinstance(step, tuple):
                with socket.socket(sock.family, socket.SOCK_DGRAM) as elsewhere:
                    elsewhere.sendto(step[1], peer)
            else:
                sock.sendto(step, peer)
        return max(0, self.later[0][0] - time.monotonic()) if self.later else None


def open_all(port):
    """A pair of sockets at each address, or an OSError."""
    for address in ADDRESSES:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((address, port))
        yield udp, socket.create_server((address, port), family=family, backlog=128)


def find_port():
    while True:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        try:
            return port, list(open_all(port))
        except OSError:
            continue


def main():
    port, pairs = find_port()
    with socket.create_server(("127.0.0.1", 0)) as free, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as also:
        unused = free.getsockname()[1]
        also.bind(("127.0.0.1", unused))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for udp, tcp in pairs:
        selector.register(udp, selectors.EVENT_READ)
        selector.register(tcp, selectors.EVENT_READ)
    datagrams = Datagrams()
    print(port, unused, flush=True)
    while True:
        for key, _ in selector.select(datagrams.send_due()):
            if key.fileobj is sys.stdin:
                return
            if key.fileobj.type == socket.SOCK_DGRAM:
                datagrams.take(key.fileobj)
            else:
                threading.Thread(target=serve_stream, args=key.fileobj.accept(), daemon=True).start()


main()
