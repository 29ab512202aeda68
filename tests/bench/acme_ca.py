# SPDX-License-Identifier: MIT
"""An ACME CA (RFC 8555) for counting: how often it is asked depends on its client alone.

    with Authority(directory) as ca:
        ca.directory, ca.trust, ca.http    for a configuration
        ca.asked                                   requests so far

A challenge and an order are "processing" where they are answered and done at the next request, whenever it comes,
so that no client polls more often on a busy machine.  It has no renewal information, which is asked for by the clock,
and names no identity for CAA records, whose answers are shared for a time.  Signatures are not verified.
"""
import base64
import datetime
import http.client
import http.server
import itertools
import json
import os
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
import pebble  # noqa: E402 (its place is known only now)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1       # an answer is one packet

    def log_message(self, *_):
        pass

    def reply(self, status, body=None, location=None, content="application/json"):
        ca = self.server.ca
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Replay-Nonce", f"nonce{next(ca.numbers):08}")
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def do_HEAD(self):
        self.answer(None)

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        payload = unb64(body["payload"])
        self.answer(json.loads(payload) if payload else {}, body)

    def answer(self, payload, body=None):
        ca, (kind, *rest) = self.server.ca, self.path.strip("/").split("/")
        with ca.lock:
            ca.asked += 1
            getattr(self, "on_" + kind.replace("-", "_"))(ca, payload, *rest, **({"jws": body} if kind == "account" else {}))

    def on_dir(self, ca, _):
        self.reply(200, {**{name: ca.at(path) for name, path in (
            ("newNonce", "nonce"), ("newAccount", "account"), ("newOrder", "new-order"), ("revokeCert", "revoke"),
            ("keyChange", "change"))}, "meta": {}})

    def on_nonce(self, *_):
        self.reply(200)

    def on_account(self, ca, _, jws):
        jwk = json.loads(unb64(jws["protected"])).get("jwk")
        if jwk:
            text = json.dumps(dict(sorted(jwk.items())), separators=(",", ":"))
            digest = hashes.Hash(hashes.SHA256())
            digest.update(text.encode())
            ca.thumbprint = b64(digest.finalize())
        self.reply(201, {"status": "valid", "orders": ca.at("orders")}, ca.at("account"))

    def on_new_order(self, ca, payload):
        number, (name,) = str(next(ca.numbers)), [one["value"] for one in payload["identifiers"]]
        ca.orders[number] = {"status": "pending", "expires": ca.in_days(7), "identifiers": payload["identifiers"],
                             "authorizations": [ca.at("authz", number)], "finalize": ca.at("finalize", number)}
        challenge = {"type": "http-01", "status": "pending", "url": ca.at("challenge", number),
                     "token": b64(number.zfill(32).encode())}
        ca.authzs[number] = {"status": "pending", "expires": ca.in_days(7), "challenges": [challenge],
                             "identifier": {"type": "dns", "value": name}}
        self.reply(201, ca.orders[number], ca.at("order", number))

    def on_order(self, ca, _, number):
        self.reply(200, ca.orders[number])

    def on_authz(self, ca, _, number):
        self.reply(200, ca.authzs[number])

    def on_challenge(self, ca, _, number):
        authz = ca.authzs[number]
        challenge = authz["challenges"][0]
        asked = http.client.HTTPConnection("127.0.0.1", ca.http, timeout=60)
        asked.request("GET", "/.well-known/acme-challenge/" + challenge["token"],
                      headers={"Host": authz["identifier"]["value"]})
        shown = asked.getresponse().read().decode().strip()
        asked.close()
        is_right = shown == f"{challenge['token']}.{ca.thumbprint}"
        self.reply(200, {**challenge, "status": "processing"})
        authz["status"] = challenge["status"] = "valid" if is_right else "invalid"
        ca.orders[number]["status"] = "ready" if is_right else "invalid"

    def on_finalize(self, ca, payload, number):
        order = ca.orders[number]
        ca.chains[number] = ca.issue(x509.load_der_x509_csr(unb64(payload["csr"])))
        self.reply(200, {**order, "status": "processing"}, ca.at("order", number))
        order.update(status="valid", certificate=ca.at("cert", number))

    def on_cert(self, ca, _, number):
        self.reply(200, ca.chains[number], content="application/pem-certificate-chain")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):
        # In the thread of the connection, so that no other waits for the handshake.
        super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, *_):
        pass    # a client that closes its connection


class Authority:
    def __init__(self, directory):
        self.asked, self.lock, self.numbers = 0, threading.Lock(), itertools.count(1)
        self.orders, self.authzs, self.chains, self.thumbprint = {}, {}, {}, None
        self.bed = pebble.Authority(directory)
        self.trust, self.http = str(self.bed.path), pebble.free_port()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.ca, self.server.tls = self, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.tls.load_cert_chain(*self.bed.make_server("counting"))
        self.origin = f"https://127.0.0.1:{self.server.server_address[1]}/"
        self.directory = self.at("dir")

    def at(self, *path):
        return self.origin + "/".join(path)

    @staticmethod
    def in_days(days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)).strftime("%Y-%m-%dT00:00:00Z")

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def issue(self, csr):
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        now = datetime.datetime.now(datetime.timezone.utc)
        public = csr.public_key()
        builder = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.bed.name).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(90)).add_extension(names, True)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.bed.key.public_key()), False))
        return b"".join(cert.public_bytes(serialization.Encoding.PEM) for cert in (
            builder.sign(self.bed.key, hashes.SHA256()), self.bed.cert))
