# SPDX-License-Identifier: MIT
"""Certificates from a real ACME CA, Pebble: every challenge, every kind of order, many at once."""
import base64
import datetime
import json
import os
import re
import subprocess

import pytest
from acme_bed import (chain_of, check_pair, dns_commands, journal, leaf_of, leftovers, make_config, names, pending_keys,
                      san_of, write_program)
from cryptography import x509
from cryptography.x509.oid import NameOID
from faultproxy import FaultProxy
from instance import Instance, until
from judge import begin_of, end_of, naive_now
from pebble import Pebble


def settle(certd, seconds=90):
    certd.wait_healthy(seconds)
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    assert not journal(certd) and not pending_keys(certd)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
@pytest.mark.parametrize("key", ["ec:secp256r1", "ec:secp384r1", "rsa:2048"])
def test_responders(run, place, challenge, key):
    with Pebble(place / "ca") as ca:
        certd = run(make_config(ca, {"web": names("a.example.test", "b.example.test"), "ip": names("127.0.0.1")},
                                challenge, key=key))
        settle(certd)
        assert san_of(leaf_of(certd, "example.test/web")) == ["a.example.test", "b.example.test"]
        assert san_of(leaf_of(certd, "example.test/ip")) == ["127.0.0.1"]
        check_pair(certd, "example.test/web")
        assert certd.status("example.test/web")["example.test/web"]["ca"] == "pebble"
        assert len(certd.versions("example.test/web")) == 1


def test_webroot(run, place):
    """Files below the root of another server, which here is python's."""
    root = place / "webroot"
    root.mkdir()
    with Pebble(place / "ca") as ca:
        server = subprocess.Popen(["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "-d", str(root),
                                   str(ca.http_port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            config = make_config(ca, {"web": names("a.example.test")}, top=f"http: {{webroot: {root}}}")
            certd = run(re.sub(r'(?m)^http: \{listen.*\n', "", config))
            settle(certd)
            assert not list(root.rglob("*-*")) and not [p for p in root.rglob("*") if p.is_file()]
        finally:
            server.kill()
            server.wait()


def dns_config(ca, place, certs, challenge="dns-01", **kw):
    add, remove, log = dns_commands(place, ca)
    publish = f"{{type: command, add: [{add}], remove: [{remove}]}}"
    return make_config(ca, certs, challenge, publish=publish, **kw), log


def test_dns_command(run, place):
    """Apex and wildcard have their values side by side at one owner; what was added is removed, nothing else."""
    with Pebble(place / "ca") as ca:
        config, log = dns_config(ca, place, {"all": names("example.test", "*.example.test", "x.example.test")})
        certd = run(config)
        settle(certd)
        assert san_of(leaf_of(certd, "example.test/all")) == ["*.example.test", "example.test", "x.example.test"]
        added = [line for line in log.read_text().splitlines() if line.startswith("add")]
        assert len(added) == 3 and sum("_acme-challenge.example.test" in line for line in added) == 2
        assert leftovers(log) == []


def test_dns_account(run, place):
    with Pebble(place / "ca") as ca:
        config, log = dns_config(ca, place, {"all": names("example.test", "*.example.test")}, "dns-account-01")
        certd = run(config)
        settle(certd)
        assert re.search(r" _[a-z2-7]{16}\._acme-challenge\.example\.test", log.read_text())
        assert leftovers(log) == []


def test_dns_include(run, place):
    """The file is always there and loadable; the refresh command is what makes it seen."""
    with Pebble(place / "ca") as ca:
        folder = place / "include"
        folder.mkdir()
        seen = place / "seen"
        refresh = write_program(place / "refresh", f"""#!/usr/bin/python3
import json, re, sys, urllib.request
assert sys.argv[1:] == ["now", "example.test"], sys.argv
def say(what, **about):
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{ca.control}/" + what, json.dumps(about).encode()))
text = open("{folder}/acme-challenge.example.test").read()
open("{seen}", "a").write(text + "--\\n")
found = {{}}
for owner, value in re.findall(r'(?m)^(\\S+)\\s+\\d+\\s+(?:IN\\s+)?TXT\\s+"([^"]+)"$', text):
    found.setdefault(owner if owner.endswith(".") else owner + ".example.test.", []).append(value)
for owner in ["_acme-challenge.example.test.", "_acme-challenge.a.example.test."]:
    say("clear-txt", host=owner)
for owner, values in found.items():
    for value in values:
        say("set-txt", host=owner, value=value)
""")
        publish = f"{{type: include, acme_dir: {folder}, refresh: [{refresh}, now, \"%{{zone}}\"]}}"
        certd = run(make_config(ca, {"one": names("example.test", "*.example.test"), "two": names("a.example.test")},
                                "dns-01", publish=publish))
        settle(certd)
        file = folder / "acme-challenge.example.test"
        assert file.exists() and "TXT" not in re.sub(r"(?m)^;.*", "", file.read_text())
        assert seen.read_text().count("--") <= 8


def test_binding_profile_chain(run, place):
    """External account binding, a required profile, an alternate chain by the name of its root."""
    with Pebble(place / "ca", binding={"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"},
                profiles={"default": {"description": "long", "validityPeriod": 7776000},
                          "shortlived": {"description": "short", "validityPeriod": 518400}},
                alternate_roots=2, chain_length=2) as ca:
        (place / "hmac").write_text("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n")
        root = x509.load_pem_x509_certificate(ca.root(1).encode())
        root_name = root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        certd = run(make_config(ca, {"web": names("a.example.test")}, more=(
            f'eab: {{kid: kid-1, hmac_file: {place}/hmac}}\n    profile: shortlived\n    profile_required: true\n'
            f'    chain: "{root_name}"')))
        settle(certd)
        chain = chain_of(certd, "example.test/web")
        assert len(chain) == 3
        assert chain[-1].issuer == root.subject
        life = end_of(chain[0]) - begin_of(chain[0])
        assert abs(life - datetime.timedelta(days=6)) < datetime.timedelta(hours=1)


def test_binding_macs(place):
    """Each MAC of an external binding with its shortest key; a shorter one is not even shown to the CA."""
    keys = {name: os.urandom(size) for name, size in (("HS256", 32), ("HS384", 48), ("HS512", 64))}

    def encode(key):
        return base64.urlsafe_b64encode(key).rstrip(b"=").decode()
    with Pebble(place / "ca", binding={name: encode(key) for name, key in keys.items()}) as ca:
        for name, key in keys.items():
            asked = ca.count("new-account")
            there = place / name
            there.mkdir(mode=0o755)
            (there / "hmac").write_text(encode(key[:-1]))
            eab = f"eab: {{kid: {name}, hmac_file: {there}/hmac, algorithm: {name}}}"
            with Instance(there, make_config(ca, {"web": names("a.example.test")}, more=eab)) as certd:
                until(lambda: f"needs at least {len(key)}" in str(certd.ok("why", "example.test/web")), 20, "no reason")
                assert ca.count("new-account") == asked
                (there / "hmac").write_text(encode(key))
                certd.ok("renew", "example.test/web", "--force", "--wait", timeout=60)
                settle(certd)
                assert [row["binding"] for row in certd.ok("accounts")] == [name]


def test_idn(run, place):
    with Pebble(place / "ca") as ca:
        certd = run(make_config(ca, {"web": names("bücher.example.test")}))
        settle(certd)
        assert san_of(leaf_of(certd, "example.test/web")) == ["xn--bcher-kva.example.test"]


def test_renewal_window(run, place):
    """A CA that wants its certificate back gets it back, told which one is replaced (RFC 9773)."""
    with Pebble(place / "ca") as ca, FaultProxy(ca) as proxy:
        certd = run(make_config(ca, {"web": names("a.example.test")}, via=proxy))
        settle(certd)
        first = leaf_of(certd, "example.test/web")
        pem = (certd.store("example.test/web") / "curr/cert.pem").read_text()
        past = naive_now() - datetime.timedelta(hours=2)
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        ca.set_renewal_info(pem, json.dumps({"suggestedWindow": {
            "start": past.strftime(stamp), "end": (past + datetime.timedelta(hours=1)).strftime(stamp)},
            "explanationURL": "https://ca.example.test/why"}))
        certd.stop()
        # What the CA said is kept over restarts until it is to be asked again; here it is made to ask now.
        for file in (place / "state/facts").rglob("web"):
            file.write_text(re.sub(r"(?<=ari.again=)\S+", "1577836800", file.read_text()))
        index = place / "state/facts/index"
        index.unlink(missing_ok=True)
        certd.start()
        # What was just issued is not issued again at once, whatever a CA says.
        begun = naive_now()
        row = certd.wait_status(lambda row: datetime.datetime.strptime(row["at"], stamp) < begun +
                                datetime.timedelta(minutes=11))["example.test/web"]
        assert row["why"].startswith("ari") and datetime.datetime.strptime(row["at"], stamp) > begun, row
        assert "https://ca.example.test/why" in str(certd.ok("why", "example.test/web"))
        certd.ok("renew", "example.test/web", "--force", "--wait", timeout=90)
        until(lambda: leaf_of(certd, "example.test/web").serial_number != first.serial_number, 30, "not rolled")
        settle(certd)
        orders = proxy.payloads("new-order")
        assert "replaces" not in orders[0] and re.fullmatch(r"[\w-]+\.[\w-]+", orders[-1]["replaces"]), orders


def test_account_lost(run, place):
    """A CA that forgot everything gets the same key registered anew."""
    with Pebble(place / "ca") as ca:
        certd = run(make_config(ca, {"web": names("a.example.test")}))
        settle(certd)
        before = certd.ok("accounts")
        ca.restart()
        certd.ok("renew", "example.test/web", "--force", "--wait", timeout=90)
        after = certd.ok("accounts")
        assert [row["thumbprint"] for row in before] == [row["thumbprint"] for row in after]
        check_pair(certd, "example.test/web")


def test_staging(run, place):
    """renew --test uses another directory and another tree, and touches nothing that lives."""
    staging = Pebble(place / "staging")
    with Pebble(place / "ca", authority=staging.authority) as ca:
        staging.config["httpPort"] = ca.http_port
        with staging:
            certd = run(make_config(ca, {"web": names("a.example.test")}, more=f"staging: {staging.directory}"))
            settle(certd)
            before, finalized = certd.versions("example.test/web"), ca.count("finalize")
            certd.ok("renew", "example.test/web", "--test", "--wait", timeout=90)
            assert certd.versions("example.test/web") == before
            assert staging.count("finalize") == 1 and ca.count("finalize") == finalized
            assert list((place / "state/test").rglob("fullchain.pem"))
            settle(certd)


def test_roots(run, place):
    """A chain that leads to none of the configured roots is refused; with the right root it is tried at once."""
    with Pebble(place / "ca", chain_length=2) as ca:
        roots = place / "roots.pem"
        roots.write_text(ca.trust.read_text())
        certd = run(make_config(ca, {"web": names("a.example.test")}, more=f"roots_file: {roots}"))
        until(lambda: "bad-chain" in certd.log(), 60, certd.log)
        assert "roots_file of pebble" in certd.log() and not certd.versions("example.test/web")
        roots.write_text(ca.trust.read_text() + ca.root())
        certd.ok("reload")
        settle(certd)
        check_pair(certd, "example.test/web")


def issue_many(place, count):
    """False when the CA deadlocked, which it still does now and then and which says nothing about certd."""
    place.mkdir(mode=0o755)
    with Pebble(place / "ca", nonce_reject=60, reuse=0, retry_after=1) as ca:
        certs = {f"s{n}": names(f"n{n}.example.test") for n in range(count)}
        with Instance(place, make_config(ca, certs, more="in_flight: 50")) as certd:
            try:
                settle(certd, 200)
            except AssertionError:
                if ca.is_deadlocked():
                    return False
                raise
            assert "cert.failed" not in certd.log()
            for n in range(count):
                check_pair(certd, f"example.test/s{n}")
                assert len(certd.versions(f"example.test/s{n}")) == 1
    return True


def test_many_orders_nonces(place):
    """Two hundred orders, fifty at once, with a CA that refuses six nonces of ten."""
    assert any(issue_many(place / f"try{n}", 200) for n in range(3)), "the CA deadlocked three times"
