# SPDX-License-Identifier: MIT
"""Pebble, a real ACME CA for tests, and its companion that answers DNS; both on loopback.

    with Pebble(directory, nonce_reject=60) as ca:
        ca.directory, ca.trust             what a configuration needs
        ca.count("new-order")              how often it was asked for something

It runs on one thread (GOMAXPROCS=1), because on several it deadlocks under orders side by side, and
every test has a limit of its own, because a CA that hangs is a real case.
"""
import datetime
import ipaddress
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from judge import naive_now

ROOT = pathlib.Path(__file__).parents[2]
PEERS = pathlib.Path(os.environ.get("CERTD_PEERS", ROOT / "build-peers"))
# What its handlers are called in its log.
HANDLERS = {"/nonce-plz": "new-nonce", "/sign-me-up": "new-account", "/order-plz": "new-order", "/my-order/": "order",
            "/finalize-order/": "finalize", "/authZ/": "authz", "/chalZ/": "challenge", "/certZ/": "certificate",
            "/rollover-account-key": "key-change", "/revoke-cert": "revoke", "/my-account/": "account",
            "/dir": "directory", "/draft-ietf-acme-ari-03/renewalInfo": "renewal-info"}


def fetch(package):
    """The directory of an unpacked package of a newer Debian."""
    where = PEERS / package
    subprocess.run([ROOT / "tests/fetch", "forky", package, where], check=True)
    return where


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def kind_of(path):
    """Which of the CA's resources a path is."""
    for prefix, kind in HANDLERS.items():
        if path == prefix or (path.startswith(prefix) and prefix not in ("/dir", "/order-plz")):
            return kind
    return "other"


class Authority:
    """A throw-away CA whose certificate tests trust, for the TLS of servers on loopback."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test bed")])
        # digital_signature ... decipher_only: it signs certificates and revocation lists.
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.cert = self.sign(self.name, self.key, [(x509.BasicConstraints(True, None), True), (usage, True)])
        self.path = self.directory / "trust.pem"
        self.path.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, key, extensions, days=(-1, 300)):
        now = naive_now()
        # Python 3.13 trusts no chain without these (RFC 5280, 4.2.1.1 and 4.2.1.2).
        extensions = [*extensions, (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                      (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)]
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(days[0]))
                   .not_valid_after(now + datetime.timedelta(days[1])))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def make_server(self, name, names=("localhost", "127.0.0.1", "::1"), days=(-1, 300)):
        """Writes NAME.pem and NAME.key for a server on loopback; their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = [x509.IPAddress(ipaddress.ip_address(n)) if re.fullmatch(r"[0-9.]+|.*:.*", n) else x509.DNSName(n)
                  for n in names]
        cert = self.sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, [
            (x509.SubjectAlternativeName(wanted), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)], days)
        paths = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        paths[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return paths

    def ask(self, url, data=None):
        """One request that trusts this authority."""
        context = ssl.create_default_context(cafile=str(self.path))
        with urllib.request.urlopen(url, data=data, context=context, timeout=10) as answer:
            return answer.read()


class Bed:
    """A CA and the companion that answers its DNS, started and ended together."""

    def __init__(self, directory, authority):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(exist_ok=True)
        self.authority = authority or Authority(self.dir)
        self.trust = self.authority.path
        self.http_port, self.tls_port = free_port(), free_port()
        self.dns, self.control, self.port = (free_port() for _ in range(3))
        self.address = f"127.0.0.1:{self.port}"
        self.directory, self.environment, self.processes = None, dict(os.environ), []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        raise NotImplementedError

    def launch(self, command, log):
        with open(self.dir / log, "ab") as out:
            self.processes.append(subprocess.Popen([str(word) for word in command], cwd=self.dir, env=self.environment,
                                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out))

    def launch_dns(self):
        """Every name is here, on IPv4; TXT as told by say()."""
        self.launch([fetch("pebble") / "usr/bin/pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                     "-doh", "", "-dnsserver", f"127.0.0.1:{self.dns}", "-http01", "", "-https01", "", "-tlsalpn01", "",
                     "-management", f"127.0.0.1:{self.control}"], "dns.log")

    def wait_directory(self, log):
        end = time.monotonic() + 30
        while True:
            try:
                self.authority.ask(self.directory)
                return self
            except OSError:
                assert time.monotonic() < end, (self.dir / log).read_text()[-2000:]
                time.sleep(0.05)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []

    def say(self, what, **about):
        """A word to the companion: set-txt, clear-txt, add-a ..."""
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.control}/{what}",
                                                      json.dumps(about).encode()), timeout=10).read()


class Pebble(Bed):
    name = "pebble"

    def __init__(self, directory, authority=None, nonce_reject=0, reuse=0, always_valid=False, sleep=0, profiles=None,
                 binding=None, alternate_roots=0, chain_length=1, retry_after=1, blocked=(), strict=False):
        super().__init__(directory, authority)
        self.manage = free_port()
        self.resolver = f"127.0.0.1:{self.dns}"  # who tells it what names hold; the companion unless a test says otherwise
        self.directory = f"https://{self.address}/dir"
        self.environment = {
            **os.environ, "GOMAXPROCS": "1", "PEBBLE_WFE_NONCEREJECT": str(nonce_reject), "PEBBLE_AUTHZREUSE": str(reuse),
            "PEBBLE_ALTERNATE_ROOTS": str(alternate_roots), "PEBBLE_CHAIN_LENGTH": str(chain_length),
            **({"PEBBLE_VA_ALWAYS_VALID": "1"} if always_valid else {}),
            **({"PEBBLE_VA_SLEEPTIME": str(sleep)} if sleep else {"PEBBLE_VA_NOSLEEP": "1"})}
        self.options = ["-strict"] if strict else []
        cert, key = self.authority.make_server("pebble")
        self.config = {
            "listenAddress": self.address, "managementListenAddress": f"127.0.0.1:{self.manage}", "certificate": str(cert),
            "privateKey": str(key), "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(binding), "externalAccountMACKeys": binding or {},
            "domainBlocklist": list(blocked), "caaIdentities": ["ca.example.test"],
            "retryAfter": {"authz": retry_after, "order": retry_after}, "keyAlgorithm": "ecdsa",
            "profiles": profiles or {"default": {"description": "90 days", "validityPeriod": 7776000}}}

    def start(self):
        (self.dir / "pebble.json").write_text(json.dumps({"pebble": self.config}))
        self.launch_dns()
        self.launch([fetch("pebble") / "usr/bin/pebble", "-config", "pebble.json", "-dnsserver", self.resolver,
                     *self.options], "pebble.log")
        return self.wait_directory("pebble.log")

    def restart(self):
        """As after a disaster: it knows no account, no order and no key any more."""
        self.stop()
        return self.start()

    def count(self, kind=None):
        """How often the CA was asked for this kind of resource."""
        paths = re.findall(r"(?:GET|POST|HEAD) (/\S*) -> calling handler", (self.dir / "pebble.log").read_text())
        return sum(kind is None or kind_of(path) == kind for path in paths)

    def is_deadlocked(self):
        """Has it locked itself out, as orders side by side can make it?  It ends with what its threads wait for."""
        pebble = self.processes[-1]
        pebble.send_signal(signal.SIGQUIT)
        pebble.wait(10)
        waits = (self.dir / "pebble.log").read_text()
        return "FindValidAuthorization" in waits and "updateChallenge" in waits and "sync.(*RWMutex)" in waits

    def count_issued(self):
        """How many certificates it has made."""
        return len(re.findall(r"Issued certificate serial", (self.dir / "pebble.log").read_text()))

    def root(self, n=0):
        """The PEM of its n-th root."""
        return self.authority.ask(f"https://127.0.0.1:{self.manage}/roots/{n}").decode()

    def set_renewal_info(self, pem, answer):
        self.authority.ask(f"https://127.0.0.1:{self.manage}/set-renewal-info/",
                           json.dumps({"Certificate": pem, "ARIResponse": answer}).encode())

    def is_revoked(self, serial_hex):
        answer = json.loads(self.authority.ask(f"https://127.0.0.1:{self.manage}/cert-status-by-serial/{serial_hex}"))
        return answer["Status"] == "Revoked"
