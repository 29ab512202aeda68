# SPDX-License-Identifier: MIT
"""The trouble that CAs make: each kind is told by its class, its moment of the next try and one sentence."""
import base64
import datetime
import json
import re
import ssl
import urllib.request

import pytest
from acme_bed import check_pair, journal, leaf_of, make_config, names, pending_keys, read_chain, san_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from faultproxy import (FaultProxy, drip, hang, problem, replace_body, reset_after, reset_before, spoil, status, through,
                        truncate, with_two_nonces, without_nonce)
from instance import until
from judge import naive_now
from pebble import Pebble

PEM = serialization.Encoding.PEM
HTML = b"<html><body><h1>Service unavailable</h1></body></html>"


@pytest.fixture(name="ca", scope="module")
def make_ca(tmp_path_factory):
    """One CA for all of them; every test has a proxy and a daemon of its own."""
    with Pebble(tmp_path_factory.mktemp("ca"), retry_after=1) as ca:
        yield ca


def begin(run, ca, proxy, more=""):
    """A daemon with one certificate that meets the trouble and one that asks the same CA directly."""
    config = make_config(ca, {"bad": names("bad.example.test")}, via=proxy, more=more)
    direct = make_config(ca, {}).split("pebble:\n")[1].split("http:")[0]
    config = config.replace("cas:\n", "cas:\n  direct:\n" + direct, 1)
    config += f"    good: {{ca: direct, {names('good.example.test')}}}\n"
    return run(config)


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def wait_failed(certd, seconds=60):
    row = until(lambda: (certd.status("example.test/bad")["example.test/bad"].get("error") and
                         certd.status("example.test/bad")["example.test/bad"]), seconds, lambda: certd.log()[-3000:])
    certd.wait_healthy(60, patterns=["example.test/good"])
    return row


def forge(change):
    """A chain of another CA for the same key, in the place of the real one; `change` spoils it."""
    def make(body):
        real = read_chain(body)[0]
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Forger")])
        now = naive_now()
        want = {"key": real.public_key(), "names": ["bad.example.test"], "from": now - datetime.timedelta(hours=2),
                "to": now + datetime.timedelta(days=80), **change(now)}

        def sign(subject, public, extensions, begin, end):
            builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
                       .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end))
            for extension, critical in extensions:
                builder = builder.add_extension(extension, critical)
            return builder.sign(key, hashes.SHA256()).public_bytes(PEM)
        root = sign(name, key.public_key(), [(x509.BasicConstraints(True, None), True)], now - datetime.timedelta(400),
                    now + datetime.timedelta(400))
        leaf = sign(x509.Name([]), want["key"], [(x509.SubjectAlternativeName([x509.DNSName(n) for n in want["names"]]), True)],
                    want["from"], want["to"])
        return leaf + root
    return replace_body(make)


def private_key():
    return ec.generate_private_key(ec.SECP256R1())


def extra_key(body):
    return body + private_key().private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def shuffled(body):
    return b"".join(c.public_bytes(PEM) for c in reversed(read_chain(body)))


def long_location(code, headers, body):
    """What doubles when it is quoted, and no longer fits what the keeper may be told."""
    return code, [(n, v + '"' * 60_000 if n.lower() == "location" else v) for n, v in headers], body


LATER = {"Retry-After": "7200"}

# kind of request, fault, code, what the sentence says, seconds until the next try (at least, at most)
FATAL = {
    "a limit": ("new-order", status(429, LATER, problem("rateLimited", "too many orders")), "rate-limited", "too many orders", (7100, 7300)),
    "out of order for hours": ("new-order", status(503, LATER, HTML, "text/html"), "ca-failed", "503", (7100, 7300)),
    "out of order at the door": ("directory", status(503, LATER, HTML, "text/html"), "ca-failed", "503", (7100, 7300)),
    "a directory that is a web page": ("directory", status(200, {}, HTML, "text/html"), "bad-answer", "directory", (1, 700)),
    "a directory of another shape": ("directory", status(200, {}, b'{"newNonce": 3}', "application/json"), "bad-answer", "directory", (1, 700)),
    "a directory without end": ("directory", status(200, {}, b" " * 3_000_000, "application/json"), "bad-answer", "longer than it may be", (1, 700)),
    "a compressed directory": ("directory", status(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08", "application/json"), "http", "gzip", (1, 700)),
    "a refused name": ("new-order", status(403, {}, problem("rejectedIdentifier", "not for you")), "name-refused", "not for you", (30, 86400)),
    "CAA": ("new-order", status(403, {}, problem("caa", "CAA says no")), "caa", "CAA says no", (30, 86400)),
    "an unknown problem": ("new-order", status(400, {}, problem("somethingNew", "what is this")), "ca-refused", "what is this", (30, 86400)),
    "a web page with an error": ("new-order", status(403, {}, HTML, "text/html"), "ca-refused", "403", (30, 86400)),
    "an answer that drips": ("directory", drip(2), "timeout", "", (1, 700)),
    "no answer at all": ("directory", hang(600), "timeout", "", (1, 700)),
    "another key": ("certificate", forge(lambda now: {"key": private_key().public_key()}), "bad-cert", "key", (30, 86400)),
    "other names": ("certificate", forge(lambda now: {"names": ["evil.example.test"]}), "bad-cert", "name", (30, 86400)),
    "more names": ("certificate", forge(lambda now: {"names": ["bad.example.test", "evil.example.test"]}), "bad-cert", "name", (30, 86400)),
    "an expired certificate": ("certificate", forge(lambda now: {"to": now - datetime.timedelta(hours=1)}), "bad-cert", "expired|ended|past", (30, 86400)),
    "a certificate of the future": ("certificate", forge(lambda now: {"from": now + datetime.timedelta(days=2)}), "bad-cert", "", (30, 86400)),
    "a shuffled chain": ("certificate", replace_body(shuffled), "bad-c", "", (30, 86400)),
    "a key in the chain": ("certificate", replace_body(extra_key), "bad-c", "", (30, 86400)),
    "a NUL in the chain": ("certificate", replace_body(lambda body: body[:40] + b"\0" + body[40:]), "bad-answer", "not text", (1, 86400)),
    "an address without end": ("new-order", spoil(long_location), "bad-answer", "", (1, 86400)),
    "an authorization without end": ("authz", replace_body(lambda body: body + b" " * 70_000), "bad-answer", "longer than it may be", (1, 86400)),
    "a chain that is a web page": ("certificate", replace_body(lambda _: HTML, "text/html"), "bad-", "", (1, 86400)),
}


@pytest.mark.parametrize("case", FATAL)
def test_told(run, ca, case):
    kind, fault, code, sentence, (least, most) = FATAL[case]
    with FaultProxy(ca) as proxy:
        proxy.on(kind, fault, times=None)
        certd = begin(run, ca, proxy)
        row = wait_failed(certd, 150)
        assert row["error"].startswith(code), row
        assert re.search(sentence, row["error_text"]), row
        now = naive_now()
        wait = (moment(row["at"]) - now).total_seconds()
        assert least - 5 <= wait <= most, f"the next try comes in {wait} s"
        why = " ".join(r["text"] for r in certd.ok("why", "example.test/bad"))
        assert re.search(sentence, why) and row["at"] in why, why
        assert not (certd.store("example.test/bad") / "curr").exists()
        check_pair(certd, "example.test/good")
        assert not journal(certd)
        if code == "rate-limited":
            # Forcing would burn what is left of it, so it is refused, with the moment it opens.
            asked = proxy.count("new-order")
            answer = certd.certctl("renew", "example.test/bad", "--force", "--wait")
            assert answer.status == 6 and proxy.count("new-order") == asked, answer


def deactivate(ca, certd):
    """The account of certd is given up with its own key, as by an operator of another client (RFC 8555, 7.3.6)."""
    account = next(row for row in certd.ok("accounts"))
    key = serialization.load_pem_private_key((certd.dir / "state/accounts/pebble/key.pem").read_bytes(), None)

    def b64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    context = ssl.create_default_context(cafile=str(ca.trust))
    head = urllib.request.Request(f"https://{ca.address}/nonce-plz", method="HEAD")
    with urllib.request.urlopen(head, context=context, timeout=10) as answer:
        nonce = answer.headers["Replay-Nonce"]
    head = {"alg": "ES256", "kid": account["url"], "nonce": nonce, "url": account["url"]}
    parts = b64(json.dumps(head).encode()), b64(b'{"status":"deactivated"}')
    r, s = decode_dss_signature(key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256())))
    body = json.dumps({"protected": parts[0], "payload": parts[1],
                       "signature": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}).encode()
    ask = urllib.request.Request(account["url"], body, {"Content-Type": "application/jose+json"})
    with urllib.request.urlopen(ask, context=context, timeout=10) as answer:
        assert json.load(answer)["status"] == "deactivated"


def check_refused(certd, cert, sentence):
    row = until(lambda: certd.status(cert)[cert]["why"] == "account" and certd.status(cert)[cert], 60,
                lambda: certd.log()[-3000:])
    assert row["health"] == "failing" and row["error"] == "account-refused", row
    assert re.search(sentence, row["error_text"]), row
    why = " ".join(r["text"] for r in certd.ok("why", cert))
    assert "Our account is refused since" in why and "goes on by itself" in why, why
    account = next(r for r in certd.ok("accounts") if r["ca"] == "pebble")
    assert account["refused"] == "account-refused" and account["asked_again"], account
    assert "acme.refused" in certd.log() or "does not let our account in" in certd.log()


def test_an_account_that_is_not_wanted(run, ca):
    """It is not registered: the certificate waits for the account, and goes on once it is."""
    with FaultProxy(ca) as proxy:
        proxy.on("new-account", status(403, {}, problem("externalAccountRequired", "bind it")), times=None)
        certd = begin(run, ca, proxy)
        check_refused(certd, "example.test/bad", "bind it")
        certd.wait_healthy(60, patterns=["example.test/good"])
        assert proxy.count("new-order") == 0
        proxy.clear()
        assert certd.certctl("reload").status == 0
        certd.wait_healthy(60)


def test_a_deactivated_account(run, ca):
    """One state of the account; a new one in its place, and everything goes on without a restart."""
    certd = run(make_config(ca, {"one": names("one.example.test"), "two": names("two.example.test")}))
    certd.wait_healthy(60)
    deactivate(ca, certd)
    for cert in ("example.test/one", "example.test/two"):
        certd.certctl("renew", cert, "--force", "--wait")
    certd.write_config(certd.config.replace("one.example.test", "uno.example.test")
                       .replace("two.example.test", "due.example.test"))
    assert certd.certctl("reload").status == 0
    for cert in ("example.test/one", "example.test/two"):
        check_refused(certd, cert, "deactivated|unauthorized")
    (certd.dir / "state/accounts/pebble").rename(certd.dir / "shut")
    assert certd.certctl("reload").status == 0
    until(lambda: san_of(leaf_of(certd, "example.test/one")) == ["uno.example.test"], 60, lambda: certd.log()[-3000:])
    until(lambda: san_of(leaf_of(certd, "example.test/two")) == ["due.example.test"], 60, lambda: certd.log()[-3000:])
    certd.wait_healthy(60)


def sparing(exchange):
    """Nonces come with no answer but the one that is about them."""
    (spoil(without_nonce) if exchange.kind != "new-nonce" else through)(exchange)


# What is got over within the order: kind of request, fault, how often.
PASSING = {
    "a lost order": ("new-order", reset_after, 1), "an order not sent": ("new-order", reset_before, 2),
    "a lost account": ("new-account", reset_after, 1), "a lost authorization": ("authz", reset_before, 3),
    "a lost answer to a challenge": ("challenge", reset_after, 1), "a challenge not sent": ("challenge", reset_before, 1),
    "a lost finalize": ("finalize", reset_after, 1), "a finalize not sent": ("finalize", reset_before, 1),
    "a lost certificate": ("certificate", reset_after, 2), "half a certificate": ("certificate", truncate, 1),
    "no nonce on an order": ("new-order", spoil(without_nonce), 1), "nonces twice": ("*", spoil(with_two_nonces), None),
    "nonces only where they are asked for": ("*", sparing, None), "busy for a second": ("new-order", status(503, {"Retry-After": "1"}), 2),
    "busy at finalize": ("finalize", status(500, {"Retry-After": "1"}, problem("serverInternal", "oops")), 1),
    "a lost nonce": ("new-nonce", reset_before, 2), "a lost directory": ("directory", reset_before, 2),
}


@pytest.mark.parametrize("case", PASSING)
def test_got_over(run, ca, case):
    kind, fault, times = PASSING[case]
    before = ca.count_issued()
    with FaultProxy(ca) as proxy:
        proxy.on(kind, fault, times=times)
        certd = begin(run, ca, proxy)
        certd.wait_healthy(150)
        check_pair(certd, "example.test/bad")
        assert len(certd.versions("example.test/bad")) == 1
        # No certificate was made for nothing, but one that the CA could not deliver.
        assert ca.count_issued() - before == 2
        assert not journal(certd) and not pending_keys(certd)


@pytest.mark.parametrize("about, sentence", [({"days": (-30, -1)}, "expired"), ({"names": ("other.example.test",)}, "name|host|match")])
def test_false_server(run, ca, about, sentence):
    with FaultProxy(ca, **about) as proxy:
        certd = begin(run, ca, proxy)
        row = wait_failed(certd)
        assert row["error"] == "tls" and re.search(sentence, row["error_text"]), row


def test_nobody_there(run, ca):
    proxy = FaultProxy(ca)
    proxy.server.server_close()
    certd = begin(run, ca, proxy)
    row = wait_failed(certd)
    assert row["error"] == "connect" and "refused" in row["error_text"], row


def test_failover(run, ca):
    """Another CA of the list is asked for the first one's faults, and not for those of the name."""
    with FaultProxy(ca) as proxy:
        proxy.on("directory", status(503, {"Retry-After": "3600"}), times=None)
        config = make_config(ca, {"bad": names("bad.example.test")}, via=proxy)
        direct = make_config(ca, {}).split("pebble:\n")[1].split("http:")[0]
        config = config.replace("cas:\n", "cas:\n  direct:\n" + direct, 1).replace("{ca: pebble", "{ca: [pebble, direct]")
        certd = run(config)
        certd.wait_healthy(60)
        assert certd.status()["example.test/bad"]["ca"] == "direct"
