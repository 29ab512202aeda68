# SPDX-License-Identifier: MIT
"""Judges of what certd made: certificates, chains, the store, and what a client sees of a server."""
import datetime
import ipaddress
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtensionOID

UTC = datetime.timezone.utc
ID = re.compile(r"\d{8}T\d{6}Z-\d+")
FILES = ("privkey.pem", "csr.pem", "cert.pem", "chain.pem", "fullchain.pem", "bundle.pem", "tlsa.rr", "info")


def instant(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def now():
    return datetime.datetime.now(UTC)


def read_cert(path):
    return x509.load_pem_x509_certificate(pathlib.Path(path).read_bytes())


def read_chain(path):
    parts = re.findall(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", pathlib.Path(path).read_bytes(), re.S)
    return [x509.load_pem_x509_certificate(part) for part in parts]


def naive_now():
    """As strptime() and certificate builders of cryptography have it: in UTC, without saying so."""
    return now().replace(tzinfo=None)


def bound_of(cert, name):
    """Before cryptography 42 without a zone; later ones give that way up."""
    newer = getattr(cert, name + "_utc", None)
    return newer or getattr(cert, name).replace(tzinfo=UTC)


def begin_of(cert):
    return bound_of(cert, "not_valid_before")


def end_of(cert):
    return bound_of(cert, "not_valid_after")


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check_key(directory):
    """The private key is the one of the certificate; the certificate."""
    cert = read_cert(directory / "cert.pem")
    key = load_pem_private_key((directory / "privkey.pem").read_bytes(), None)
    assert public_bytes(key.public_key()) == public_bytes(cert.public_key()), f"{directory}: a foreign key"
    return cert


def served(certd, cert):
    """The serial number of what lies at the target."""
    return check_key(certd.live(cert)).serial_number


def current(certd, cert):
    return serial_of(certd.store(cert) / "curr/cert.pem")


def renew_and_roll(certd, *certs):
    """What an operator does; how the roll ended."""
    certd.ok("renew", *certs, "--force", "--wait")
    return certd.certctl("roll", *certs, "--force", "--wait")


def openssl_verify(directory, root, at=None):
    """`at`: the moment at which it has to hold; default: now."""
    moment = ["-attime", str(int(at.timestamp()))] if at else []
    done = subprocess.run(["openssl", "verify", *moment, "-x509_strict", "-CAfile", str(root), "-untrusted", str(directory / "chain.pem"),
                           str(directory / "cert.pem")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{directory}: {done.stdout}{done.stderr}"


def extension(cert, oid):
    try:
        return cert.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None


def check_leaf(directory, names):
    """Everything that RFC 5280 and the contract say about a leaf of a local CA."""
    cert, chain = check_key(directory), read_chain(directory / "chain.pem")
    issuer = chain[0]
    basic = extension(cert, ExtensionOID.BASIC_CONSTRAINTS)
    assert basic is None or (basic.critical and not basic.value.ca)
    usage = extension(cert, ExtensionOID.KEY_USAGE)
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
    check_common(cert, issuer)
    names_in = extension(cert, ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert {str(name.value) for name in names_in} == set(names) and len(names_in) == len(names)
    for name in names_in:
        assert isinstance(name, x509.IPAddress) == is_address(str(name.value))
    assert [end_of(c) for c in [cert, *chain]] == sorted(end_of(c) for c in [cert, *chain]), "outlives its issuer"
    return cert


def check_ca(cert, issuer, path_length):
    basic, usage = extension(cert, ExtensionOID.BASIC_CONSTRAINTS), extension(cert, ExtensionOID.KEY_USAGE)
    assert basic.critical and basic.value.ca and basic.value.path_length == path_length
    assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign
    check_common(cert, issuer)


def check_common(cert, issuer):
    ski = extension(issuer, ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
    aki = extension(cert, ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    assert aki is None and cert == issuer or aki.value.key_identifier == ski.digest, "the AKI is not the issuer's SKI"
    assert extension(cert, ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    assert 2 ** 100 < cert.serial_number < 2 ** 159, f"serial {cert.serial_number:x}"
    assert cert.issuer == issuer.subject
    early = now() - begin_of(cert)
    assert early > datetime.timedelta(minutes=1), f"begins {early} ago only"


def is_address(name):
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


class Store:
    """Looks at the store of an instance again and again and remembers what it may never lose."""

    def __init__(self, state, root=None):
        self.certs, self.root, self.known, self.ends = state / "certs", root, {}, {}

    def look(self, after_start):
        """`after_start`: certd has opened the store since, so nothing half-done may lie there."""
        for cert in sorted(self.certs.glob("*/*")):
            self.look_at(cert, after_start)

    def look_at(self, cert, after_start):
        if after_start:
            assert not list(cert.rglob(".tmp-*")), f"{cert}: {list(cert.rglob('.tmp-*'))}"
        for version in (cert / "versions").glob("[0-9]*"):
            self.look_at_version(version)
        for link in ("curr", "next", "prev"):
            self.look_at_link(cert / link)
        # A roll that died between its links left both at the same version; the next start ends it.
        if after_start and self.are_same(cert / "next", cert / "curr"):
            time.sleep(1)
            assert not self.are_same(cert / "next", cert / "curr"), f"{cert}: next is curr"

    def are_same(self, one, other):
        try:
            return one.readlink() == other.readlink()
        except FileNotFoundError:
            return False

    def look_at_version(self, version):
        assert ID.fullmatch(version.name)
        if version not in self.known:
            assert sorted(path.name for path in version.iterdir()) == sorted(FILES), f"{version} is torn"
            check_key(version)
            self.known[version] = (version / "privkey.pem").read_bytes()

    def look_at_link(self, link):
        # Read once: a certd that runs may move it at any moment.
        try:
            text = str(link.readlink())
        except FileNotFoundError:
            assert link.name != "curr" or link not in self.ends, f"{link} was lost"
            return
        assert re.fullmatch(r"versions/" + ID.pattern, text), f"{link}: {text}"
        version = link.parent / text
        self.look_at_version(version)
        end = end_of(read_cert(version / "cert.pem"))
        if link.name == "curr":
            assert end >= self.ends.get(link, end), f"{link} went backwards"
            self.ends[link] = end

    def nothing_lost(self):
        for version, key in self.known.items():
            assert (version / "privkey.pem").read_bytes() == key, f"{version} was lost"


def serial_of(path):
    return read_cert(path).serial_number


class Client(threading.Thread):
    """Connects to every name twice a second and insists that a strict client is content each time."""

    def __init__(self, port, names, root):
        super().__init__(daemon=True)
        self.port, self.names = port, list(names)
        self.context = ssl.create_default_context(cafile=str(root))
        self.context.verify_flags |= ssl.VERIFY_X509_STRICT
        self.troubles, self.seen, self.connections, self.stopped = [], {}, 0, threading.Event()

    def run(self):
        while not self.stopped.is_set():
            begin = time.monotonic()
            for name in self.names:
                if not self.stopped.is_set():
                    self.connect(name)
            self.stopped.wait(max(0, begin + 0.5 - time.monotonic()))

    def connect(self, name):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 20) as plain:
                with self.context.wrap_socket(plain, server_hostname=name) as tls:
                    self.seen.setdefault(name, set()).add(tls.getpeercert()["serialNumber"])
                    left = ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]) - time.time()
            self.connections += 1
            if left <= 0:
                self.troubles.append(f"{name} has expired")
        except OSError as trouble:
            self.troubles.append(f"{now()} {name}: {trouble!r}")

    def finish(self):
        self.stopped.set()
        self.join(30)
        assert not self.troubles, self.troubles[:10]


class Pulse(threading.Thread):
    """How late this machine wakes a process that does nothing: what no daemon can be blamed for."""

    def __init__(self):
        super().__init__(daemon=True)
        self.worst, self.stopped = 0.0, threading.Event()

    def run(self):
        while True:
            begin = time.monotonic()
            if self.stopped.wait(0.1):
                return
            self.worst = max(self.worst, time.monotonic() - begin - 0.1)

    def finish(self):
        self.stopped.set()
        self.join()
        return self.worst
