# SPDX-License-Identifier: MIT
"""step-ca, an ACME CA that is nothing like Pebble, for tests: own root and intermediate, all on loopback.

    with StepCa(directory, life="2m") as ca:
        ca.directory, ca.trust             what a configuration needs
        ca.count("new-order")              how often it was asked for something

It validates while the client waits for the answer, sends no Retry-After, tells neither renewal
information nor profiles, and leaves a challenge that failed pending, with the error in it.  It is
built from Debian's sources (tests/live/stepca/build), which takes minutes the first time.
"""
import json
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pebble import PEERS, ROOT, Bed

PEM = serialization.Encoding.PEM
BASE = "/acme/acme/"


def build():
    """The program; waits for whoever builds it already."""
    where = PEERS / "step-ca"
    done = subprocess.run([ROOT / "tests/live/stepca/build", where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return where / "step-ca"


def kind_of(path):
    """Which of the CA's resources a path is."""
    words = path.removeprefix(BASE).split("/")
    if path == BASE or not path.startswith(BASE):
        return "other"
    return words[2] if words[0] == "order" and len(words) == 3 else words[0]


class StepCa(Bed):
    name = "step"

    def __init__(self, directory, life="24h", backdate="1m"):
        super().__init__(directory, None)
        self.directory = f"https://{self.address}{BASE}directory"
        self.program = build()
        # What its user has set up stays out of it.
        self.environment.update(STEPPATH=str(self.dir), GOMAXPROCS="1")
        self.make_intermediate()
        # `backdate` is how far before the moment of issue its certificates begin.
        claims = {"minTLSCertDuration": "5s", "defaultTLSCertDuration": life, "maxTLSCertDuration": "2400h"}
        self.config = {
            "root": str(self.trust), "crt": "intermediate.pem", "key": "intermediate.key", "address": self.address,
            "dnsNames": ["localhost", "127.0.0.1"], "logger": {"format": "json"},
            "db": {"type": "bbolt", "dataSource": "step.db"}, "crl": {"enabled": True, "generateOnRevoke": True},
            "authority": {"backdate": backdate, "provisioners": [{"type": "ACME", "name": "acme", "claims": claims}]}}

    def make_intermediate(self):
        key = ec.generate_private_key(ec.SECP256R1())
        # digital_signature ... decipher_only: it signs certificates and revocation lists.
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        cert = self.authority.sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuing of the test bed")]), key,
                                   [(x509.BasicConstraints(True, 0), True), (usage, True)])
        (self.dir / "intermediate.pem").write_bytes(cert.public_bytes(PEM))
        (self.dir / "intermediate.key").write_bytes(key.private_bytes(
            PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))

    def start(self):
        (self.dir / "ca.json").write_text(json.dumps(self.config))
        self.launch_dns()
        self.launch([self.program, "--insecure", "--acme-http-port", self.http_port, "--acme-tls-port", self.tls_port,
                     "--resolver", f"127.0.0.1:{self.dns}", "ca.json"], "step.log")
        return self.wait_directory("step.log")

    def forget(self):
        """As after a disaster: the same CA with an empty database."""
        self.stop()
        (self.dir / "step.db").unlink()
        return self.start()

    def requests(self):
        """What it was asked, as its log has it."""
        rows = (json.loads(line) for line in (self.dir / "step.log").read_text().splitlines() if line.startswith("{"))
        return [row for row in rows if row.get("path", "").startswith(BASE)]

    def count(self, kind, status=None):
        """How often the CA was asked for this kind of resource, and answered like this."""
        return sum(kind_of(row["path"]) == kind and status in (None, row["status"]) for row in self.requests())

    def is_revoked(self, serial):
        """Whether its list of revoked certificates has this one."""
        crl = x509.load_der_x509_crl(self.authority.ask(f"https://{self.address}/1.0/crl"))
        return crl.get_revoked_certificate_by_serial_number(serial) is not None
