# SPDX-License-Identifier: MIT
"""A proxy between certd and an ACME CA that makes the trouble real CAs make, and notes who asked for what.

    proxy.on("new-order", status(429, {"Retry-After": "7200"}, problem("rateLimited", "too many")))
    proxy.on("finalize", reset_after, times=1)

A fault is a function of (exchange): it may answer, break the connection, or let the request through
with exchange.forward() and spoil the answer.  Faults of one kind are used in the order they were
given, each `times` times (None: for ever); without one the request goes through.
"""
import base64
import http.client
import http.server
import json
import socket
import ssl
import threading
import time

from pebble import free_port, kind_of


class Broken(Exception):
    """The connection ends here."""


class Exchange:
    """One request on its way."""

    def __init__(self, handler, kind, body, n):
        self.handler, self.kind, self.body, self.n = handler, kind, body, n

    def forward(self):
        """The CA's own answer: status, list of headers, body."""
        proxy = self.handler.server.proxy
        upstream = http.client.HTTPSConnection("127.0.0.1", proxy.upstream, timeout=30, context=proxy.upstream_tls)
        headers = {name: value for name, value in self.handler.headers.items() if name.lower() != "connection"}
        upstream.request(self.handler.command, self.handler.path, self.body or None, headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        if proxy.on_answer:
            proxy.on_answer(self.n, self.kind)
        drop = ("transfer-encoding", "content-length", "connection")
        return answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in drop], body

    def answer(self, code, headers, body, length=None):
        h = self.handler
        h.send_response_only(code)
        for name, value in headers:
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body) if length is None else length))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)


def through(exchange):
    exchange.answer(*exchange.forward())


def problem(kind, detail, **more):
    return json.dumps({"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, **more}).encode()


def status(code, headers=None, body=b"", kind="application/problem+json"):
    """Answers without asking the CA; with a nonce as CAs do, so that the client may go on."""
    def fault(exchange):
        nonce = exchange.handler.server.proxy.fresh_nonce()
        exchange.answer(code, [("Content-Type", kind), ("Replay-Nonce", nonce), *(headers or {}).items()], body)
    return fault


def reset_before(_):
    """The CA never hears of it."""
    raise Broken


def reset_after(exchange):
    """The CA has done it, and nobody is told."""
    exchange.forward()
    raise Broken


def hang(seconds):
    """Nothing comes, for a while."""
    def fault(exchange):
        exchange.handler.server.proxy.stopping.wait(seconds)
        raise Broken
    return fault


def drip(seconds):
    """A byte now and then."""
    def fault(exchange):
        code, headers, body = exchange.forward()
        exchange.answer(code, headers, b"", len(body))
        for at in range(len(body)):
            exchange.handler.wfile.write(body[at:at + 1])
            if exchange.handler.server.proxy.stopping.wait(seconds):
                raise Broken
    return fault


def spoil(change):
    """Lets it through and changes what came: change(code, headers, body) gives the same three."""
    def fault(exchange):
        exchange.answer(*change(*exchange.forward()))
    return fault


def truncate(exchange):
    code, headers, body = exchange.forward()
    exchange.answer(code, headers, body[:len(body) // 2], len(body))
    raise Broken


def replace_body(make, kind=None):
    """Another body in the place of the CA's."""
    def change(code, headers, body):
        if kind:
            headers = [(n, v) for n, v in headers if n.lower() != "content-type"] + [("Content-Type", kind)]
        return code, headers, make(body)
    return spoil(change)


def without_nonce(code, headers, body):
    return code, [(n, v) for n, v in headers if n.lower() != "replay-nonce"], body


def with_two_nonces(code, headers, body):
    return code, headers + [(n, v) for n, v in headers if n.lower() == "replay-nonce"], body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = self.server.proxy
        kind = kind_of(self.path)
        n, fault = proxy.note(kind, body)
        try:
            fault(Exchange(self, kind, body, n))
        except (Broken, OSError):
            # A reset and no polite end: what was sent is lost with it.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            try:
                socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
            except OSError:
                pass

    do_GET = do_POST = do_HEAD = handle_any

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        """A peer that goes away is what this is about."""


class FaultProxy:
    def __init__(self, ca, days=(-1, 300), names=("127.0.0.1",), upstream=None):
        """`ca`: a Pebble; `days` and `names` are those of the proxy's own certificate."""
        self.ca, self.upstream = ca, upstream or ca.port
        self.upstream_tls = ssl.create_default_context(cafile=str(ca.trust))
        self.port = free_port()
        self.directory, self.trust = f"https://127.0.0.1:{self.port}/dir", ca.trust
        self.faults, self.asked, self.bodies, self.lock = {}, [], [], threading.Lock()
        self.stopping = threading.Event()
        self.on_request = self.on_answer = None
        cert, key = ca.authority.make_server("proxy", names, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server = Server(("127.0.0.1", self.port), Handler, bind_and_activate=True)
        self.server.proxy = self
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def on(self, kind, fault, times=1):
        """The next `times` requests of this kind ("*": of any) get this fault."""
        with self.lock:
            self.faults.setdefault(kind, []).append([fault, times])
        return self

    def clear(self):
        with self.lock:
            self.faults = {}

    def payloads(self, kind):
        """What was asked with requests of this kind, out of their signatures."""
        texts = [json.loads(body)["payload"] for asked, body in list(self.bodies) if asked == kind and body]
        return [json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else None for text in texts]

    def note(self, kind, body):
        """Who asked, as the how-manyth, and what becomes of it."""
        with self.lock:
            self.asked.append((kind, time.monotonic()))
            self.bodies.append((kind, body))
            n = len(self.asked)
            fault = through
            for wanted in (kind, "*"):
                queue = self.faults.get(wanted)
                if queue:
                    fault = queue[0][0]
                    if queue[0][1] is not None:
                        queue[0][1] -= 1
                        if queue[0][1] == 0:
                            queue.pop(0)
                    break
        if self.on_request:
            self.on_request(n, kind)
        return n, fault

    def count(self, kind=None):
        with self.lock:
            return sum(kind is None or asked == kind for asked, _ in self.asked)

    def fresh_nonce(self):
        upstream = http.client.HTTPSConnection("127.0.0.1", self.upstream, timeout=30, context=self.upstream_tls)
        upstream.request("HEAD", "/nonce-plz", headers={"User-Agent": "fault proxy"})
        answer = upstream.getresponse()
        answer.read()
        nonce = answer.getheader("Replay-Nonce")
        upstream.close()
        return nonce
