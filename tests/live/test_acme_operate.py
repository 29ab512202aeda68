# SPDX-License-Identifier: MIT
"""What operators command about ACME: new keys of accounts, and revocation, against Pebble."""
import os
import re

from acme_bed import make_config, names
from cryptography import x509
from instance import until
from pebble import Pebble

CERT = "example.test/web"


def leaf_of(certd):
    return x509.load_pem_x509_certificate((certd.store(CERT) / "curr/cert.pem").read_bytes())


def serial_of(certd):
    return f"{leaf_of(certd).serial_number:x}"


def row_of(certd, version):
    return next(row for row in certd.versions(CERT) if row["version"] == version)


def current(certd):
    return certd.status(CERT)[CERT]["curr"]


def start(run, ca, **kw):
    certd = run(make_config(ca, {"web": names("a.example.test")}, **kw))
    certd.wait_healthy(90)
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    return certd


def test_rollover(run, place):
    with Pebble(place / "ca") as ca:
        certd = start(run, ca)
        before = certd.ok("accounts")[0]
        answer = certd.ok("accounts", "--rollover", "pebble", "--wait", timeout=90)[0]
        assert answer["result"] == "ok"
        after = certd.ok("accounts")[0]
        assert after["thumbprint"] != before["thumbprint"] and after["url"] == before["url"]
        assert not after["candidate"]
        # It is the new key that counts.
        certd.ok("renew", CERT, "--force", "--wait", timeout=90)


def test_limits_are_told(run, place):
    """What an order would meet: here only the ceiling of certd's own, of which the first version used one."""
    with Pebble(place / "ca") as ca:
        certd = start(run, ca)
        limits = [row for row in certd.ok("show", CERT) if row["kind"] == "limit"]
        assert [(row["ca"], row["limit"], row["used"], row["of"], row["opens"]) for row in limits] == [
            ("pebble", "ceiling", 1, 5, None)]
        assert any("1 of 5" in row["text"] for row in certd.ok("why", CERT))


def test_revoke(run, place):
    """The old version is revoked only after the new one, on a new key, has taken its place."""
    with Pebble(place / "ca") as ca:
        certd = start(run, ca, defaults="keep: 10, reuse_key: true")
        serial, version, key = serial_of(certd), current(certd), leaf_of(certd).public_key().public_numbers()
        certd.ok("revoke", CERT, "--reason", "superseded", "--wait", timeout=90)
        assert ca.is_revoked(serial) and not ca.is_revoked(serial_of(certd))
        assert leaf_of(certd).public_key().public_numbers() != key
        assert row_of(certd, version)["revoked"] and not row_of(certd, current(certd))["revoked"]
        # Again, and for what it is not: an old version is told at once, and a second time is no error.
        now = current(certd)
        certd.ok("revoke", CERT, "--version", version, "--wait", timeout=90)
        assert current(certd) == now
        answer = certd.certctl("revoke", CERT, "--reason", "whim")
        assert answer.status == 2 and "key-compromise" in answer.err
        answer = certd.certctl("revoke", CERT, "--version", "20200101T000000Z-1", "--wait")
        assert answer.status == 1 and "no version" in answer.err


def test_revoke_now(run, place):
    """The CA hears of it first, by root's mark alone, which is gone afterwards."""
    with Pebble(place / "ca") as ca:
        certd = start(run, ca)
        serial, version = serial_of(certd), current(certd)
        certd.ok("revoke", CERT, "--now", "--reason", "key-compromise", "--wait", timeout=90)
        assert ca.is_revoked(serial) and not ca.is_revoked(serial_of(certd))
        assert row_of(certd, version)["revoked"]
        assert current(certd) != version
        assert os.listdir(place / "revoke") == []
        kinds = re.findall(r"(?:GET|POST|HEAD) (/\S*) -> calling handler", (place / "ca/pebble.log").read_text())
        assert kinds.index("/revoke-cert") < max(i for i, kind in enumerate(kinds) if kind == "/order-plz")


def test_revoke_now_is_roots(run, place):
    with Pebble(place / "ca") as ca:
        certd = run(make_config(ca, {"web": names("a.example.test")}), rights={"admin": ["daemon"]})
        certd.wait_healthy(90)
        version = current(certd)
        answer = certd.certctl("revoke", CERT, "--now", user=(1, 1))
        assert answer.status == 4 and "root" in answer.err
        assert current(certd) == version and not ca.is_revoked(serial_of(certd))
