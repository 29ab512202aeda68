# SPDX-License-Identifier: MIT
"""The floor that certd's aim is told against: a plain Python client with one kept connection.

    acme_floor.py DIRECTORY TRUST CONTROL N

N certificates from an ACME CA, one order after the other: newOrder, authorization, dns-01 set at the CA's
companion (at the port CONTROL of loopback, on a kept connection), answer, polls of 2 ms, finalize, download.
Nothing is stored, checked or tried again.  Prints wall seconds, processor seconds and requests of all N, without
the registration.
"""
import base64
import hashlib
import http.client
import json
import resource
import ssl
import sys
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

POLL_S = 0.002


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Client:
    def __init__(self, directory, trust, control):
        where = urllib.parse.urlsplit(directory)
        self.origin, self.requests, self.nonce, self.kid = f"{where.scheme}://{where.netloc}", 0, None, None
        self.ca = http.client.HTTPSConnection(where.netloc, context=ssl.create_default_context(cafile=trust))
        self.companion = http.client.HTTPConnection("127.0.0.1", control)
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(point.x.to_bytes(32, "big")),
                    "y": b64(point.y.to_bytes(32, "big"))}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        self.thumbprint = b64(hashlib.sha256(canonical.encode()).digest())
        self.directory = json.loads(self.ask("GET", directory)[1])
        self.ask("HEAD", self.directory["newNonce"])
        headers, _ = self.post(self.directory["newAccount"], {"termsOfServiceAgreed": True})
        self.kid, self.requests = headers["Location"], 0

    def ask(self, method, url, body=None):
        self.requests += 1
        self.ca.request(method, url.removeprefix(self.origin), body,
                        {"Content-Type": "application/jose+json", "User-Agent": "acme_floor"})
        answer = self.ca.getresponse()
        data = answer.read()
        self.nonce = answer.headers.get("Replay-Nonce") or self.nonce
        if answer.status >= 400:
            raise SystemExit(f"acme_floor: {url}: {answer.status} {data.decode()}")
        return answer.headers, data

    def post(self, url, payload):
        header = {"alg": "ES256", "nonce": self.nonce, "url": url}
        header.update({"kid": self.kid} if self.kid else {"jwk": self.jwk})
        protected = b64(json.dumps(header).encode())
        text = "" if payload is None else b64(json.dumps(payload).encode())
        r, s = utils.decode_dss_signature(self.key.sign(f"{protected}.{text}".encode(), ec.ECDSA(hashes.SHA256())))
        return self.ask("POST", url, json.dumps({"protected": protected, "payload": text, "signature": b64(
            r.to_bytes(32, "big") + s.to_bytes(32, "big"))}))

    def poll(self, url, busy):
        while True:
            found = json.loads(self.post(url, None)[1])
            if found["status"] not in busy:
                return found
            time.sleep(POLL_S)

    def publish(self, name, token):
        value = b64(hashlib.sha256(f"{token}.{self.thumbprint}".encode()).digest())
        self.companion.request("POST", "/set-txt", json.dumps({"host": f"_acme-challenge.{name}.", "value": value}))
        self.companion.getresponse().read()

    def issue(self, name):
        headers, data = self.post(self.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
        order = json.loads(data)
        authz = order["authorizations"][0]
        challenge = next(c for c in json.loads(self.post(authz, None)[1])["challenges"] if c["type"] == "dns-01")
        self.publish(name, challenge["token"])
        self.post(challenge["url"], {})
        self.poll(authz, ("pending",))
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(ec.generate_private_key(ec.SECP256R1()),
                                                                         hashes.SHA256())
        self.post(order["finalize"], {"csr": b64(csr.public_bytes(serialization.Encoding.DER))})
        order = self.poll(headers["Location"], ("ready", "processing"))
        self.post(order["certificate"], None)


def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    directory, trust, control, n = sys.argv[1:]
    client = Client(directory, trust, int(control))
    wall, used = time.monotonic(), processor()
    for i in range(int(n)):
        client.issue(f"f{i}.bench.example")
    print(f"{time.monotonic() - wall:.6f} {processor() - used:.6f} {client.requests}")


if __name__ == "__main__":
    main()
