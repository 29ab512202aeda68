# SPDX-License-Identifier: MIT
"""Certificates from step-ca: the second ACME CA, which does almost everything otherwise than Pebble."""
import pytest
from acme_bed import (chain_of, check_pair, dns_commands, journal, leaf_of, leftovers, make_config, names, pending_keys,
                      san_of, write_program)
from instance import until
from judge import end_of, now
from pebble import free_port
from stepca import StepCa

WEB = "example.test/web"


@pytest.fixture(name="ca", scope="module")
def make_ca(tmp_path_factory):
    with StepCa(tmp_path_factory.mktemp("ca")) as ca:
        yield ca


def settle(certd, seconds=90):
    certd.wait_healthy(seconds)
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    assert not journal(certd) and not pending_keys(certd)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_responders(run, ca, challenge):
    certd = run(make_config(ca, {"web": names("a.example.test", "b.example.test"), "ip": names("127.0.0.1")}, challenge))
    settle(certd)
    assert san_of(leaf_of(certd, WEB)) == ["a.example.test", "b.example.test"]
    assert san_of(leaf_of(certd, "example.test/ip")) == ["127.0.0.1"]
    check_pair(certd, WEB)
    leaf, intermediate = chain_of(certd, WEB)
    assert leaf.issuer == intermediate.subject and intermediate.issuer == ca.authority.name
    assert certd.status(WEB)[WEB]["ca"] == "step"
    assert len(certd.versions(WEB)) == 1


def test_dns(run, place, ca):
    """Apex and wildcard side by side at one owner; what was added is removed, nothing else."""
    add, remove, log = dns_commands(place, ca)
    publish = f"{{type: command, add: [{add}], remove: [{remove}]}}"
    certd = run(make_config(ca, {"web": names("example.test", "*.example.test", "x.example.test")}, "dns-01", publish=publish))
    settle(certd)
    assert san_of(leaf_of(certd, WEB)) == ["*.example.test", "example.test", "x.example.test"]
    check_pair(certd, WEB)
    assert len([line for line in log.read_text().splitlines() if line.startswith("add")]) == 3
    assert leftovers(log) == []


def test_late_records(run, place, ca):
    """What the CA did not find it looks for again only when it is told again."""
    asked = place / "asked"
    asked.touch()
    asked.chmod(0o666)
    add = write_program(place / "add", f'#!/bin/sh\necho "$2 $5" >>{asked}\n')
    remove = write_program(place / "remove", "#!/bin/sh\n")
    publish = f"{{type: command, add: [{add}], remove: [{remove}]}}"
    before = ca.count("challenge")
    certd = run(make_config(ca, {"web": names("late.example.test")}, "dns-01", publish=publish))
    until(lambda: ca.count("challenge") > before, 30, lambda: f"the CA was not told: {certd.log()[-3000:]}")
    owner, value = asked.read_text().split()
    ca.say("set-txt", host=owner.rstrip(".") + ".", value=value.strip('"'))
    settle(certd)
    assert san_of(leaf_of(certd, WEB)) == ["late.example.test"]
    assert ca.count("challenge") > before + 1 and "cert.failed" not in certd.log()


def test_nothing_to_see(run, ca):
    """It leaves the challenge pending for ever; the failure comes soon and says what the CA saw."""
    before = ca.count("challenge")
    certd = run(make_config(ca, {"web": names("a.example.test")}).replace(f":{ca.http_port}", f":{free_port()}"))
    certd.wait_status(lambda row: row["health"] == "failing" or row.get("error"), 90)
    assert ca.count("challenge") == before + 4
    why = str(certd.ok("why", WEB))
    assert "http-01 for a.example.test: The server could not connect" in why and "(not-validated)" in why, why
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    assert not journal(certd)


def test_short_lives(run, place):
    """Lives of 80 s, of which a minute lies before the issue: renewed in time, again and again, with one account."""
    with StepCa(place / "ca", life="20s") as ca:
        certd = run(make_config(ca, {"web": names("a.example.test")}, defaults="keep: 10, renew: {curve: {20s: 14s}}"))
        settle(certd)
        ends, seen = [], set()

        def look():
            leaf = leaf_of(certd, WEB)
            assert end_of(leaf) > now(), "current and expired"
            if leaf.serial_number not in seen:
                seen.add(leaf.serial_number)
                ends.append(end_of(leaf))
            return len(seen) == 5
        until(look, 90, lambda: f"{ends}\n{certd.log()[-3000:]}")
        check_pair(certd, WEB)
        assert ends == sorted(ends)
        assert ca.count("new-account", status=201) == 1 and "cert.failed" not in certd.log()
        # One order for each certificate: none is placed twice.
        assert len(certd.versions(WEB)) <= ca.count("new-order") <= len(certd.versions(WEB)) + 1


def test_revoke(run, ca):
    """Only after another one has taken its place, or at once."""
    certd = run(make_config(ca, {"web": names("a.example.test")}))
    settle(certd)
    old = leaf_of(certd, WEB).serial_number
    certd.ok("revoke", WEB, "--reason", "superseded", "--wait", timeout=90)
    new = leaf_of(certd, WEB).serial_number
    assert new != old and ca.is_revoked(old) and not ca.is_revoked(new)
    certd.ok("revoke", WEB, "--now", "--wait", timeout=90)
    assert ca.is_revoked(new)
    settle(certd)
    assert not ca.is_revoked(leaf_of(certd, WEB).serial_number)


def test_account_lost(run, place):
    """A CA with an empty database gets the same key registered anew."""
    with StepCa(place / "ca") as ca:
        certd = run(make_config(ca, {"web": names("a.example.test")}))
        settle(certd)
        before, serial = certd.ok("accounts"), leaf_of(certd, WEB).serial_number
        ca.forget()
        certd.ok("renew", WEB, "--force", "--wait", timeout=90)
        until(lambda: leaf_of(certd, WEB).serial_number != serial, 30, "not rolled")
        after = certd.ok("accounts")
        assert [row["thumbprint"] for row in before] == [row["thumbprint"] for row in after]
        check_pair(certd, WEB)
        assert ca.count("new-account", status=201) == 2


def test_rollover_refused(run, ca):
    """It says where keys are changed and then that it cannot: the old key stays, and serves on."""
    certd = run(make_config(ca, {"web": names("a.example.test")}))
    settle(certd)
    before, serial = certd.ok("accounts"), leaf_of(certd, WEB).serial_number
    answer = certd.certctl("accounts", "--rollover", "step", "--wait", timeout=90)
    assert answer.status == 1 and "key-change: The requested operation is not implemented" in answer.err, answer
    after = certd.ok("accounts")
    assert [row["thumbprint"] for row in before] == [row["thumbprint"] for row in after] and not after[0]["candidate"]
    certd.ok("renew", WEB, "--force", "--wait", timeout=90)
    until(lambda: leaf_of(certd, WEB).serial_number != serial, 30, "not rolled")
    settle(certd)
