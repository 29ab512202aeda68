# SPDX-License-Identifier: MIT
"""certctl dns check against real name servers in every state, and what it says about each."""
import json
import re
import subprocess
import time

import pytest
from dnsbed import NEGATIVE_TTL, DnsBed, query
from instance import CERTCTL, until

LAG = 6
SERVERS = ["primary", "bind", "nsd", "lagging", "stuck", "dead", "refusing", "six"]
CONFIG = """
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
dns:
  deadline: 1m
  extra_nameservers: [RESOLVER]
  zones:
    many.test: {primary: MANY, nameservers: [ALL]}
    good.test: {primary: MANY, nameservers: [MANY, GOOD]}
"""


@pytest.fixture(name="bed", scope="module")
def make_bed(tmp_path_factory):
    with DnsBed(tmp_path_factory.mktemp("bed"), lag=LAG) as bed:
        bed.zone("many.test", SERVERS)
        bed.zone("good.test", ["primary", "bind", "lagging"])
        bed.start()
        yield bed


@pytest.fixture(name="certd")
def make_certd(run, bed):
    def address(server):
        return f"'{bed.address(server)}'"
    return run(CONFIG.replace("MANY", address("primary")).replace("RESOLVER", address("resolver"))
               .replace("ALL", ", ".join(map(address, SERVERS)))
               .replace("GOOD", ", ".join(map(address, ["bind", "lagging"]))))


def publish(bed, zone, *record):
    for words in (["zone-begin", zone], ["zone-set", zone, *record], ["zone-commit", zone]):
        subprocess.run(["knotc", "-c", bed.dir / "primary/knot.conf", "-b", *words], check=True, capture_output=True)


def check(certd, bed, *args):
    """Exit status, the answer of each server by its name in the bed, and what stands on standard error."""
    answer = certd.certctl("--json", "dns", "check", *args, timeout=120)
    names = {bed.address(server): server for server in [*SERVERS, "resolver"]}
    return answer.status, {names[row["address"]]: row for row in answer.rows}, answer.err


def test_each_server_is_told_as_it_is(certd, bed):
    publish(bed, "many.test.", "_acme-challenge", "60", "TXT", '"one"')
    for server in ("bind", "nsd", "six"):
        until(lambda s=server: query(bed.address(s), "_acme-challenge.many.test")[1] == ["one"], 30, server)
    status, seen, err = check(certd, bed, "*.many.test")
    assert status == 1 and "not all name servers of many.test show the same at _acme-challenge.many.test" in err, err
    # The lagging one may have heard of it by now.
    assert re.search("[45] of 8 show the newest version, the extra ", err) and err.endswith(" is not asked yet\n"), err
    observations = {server: row["observation"] for server, row in seen.items()}
    assert observations["primary"] == "match" and seen["primary"]["role"] == "primary", seen
    assert seen["primary"]["said"] == '"one"' and seen["primary"]["ttl"] == 60, seen
    assert observations["stuck"] == "older" and seen["stuck"]["serial"] < seen["primary"]["serial"], seen
    assert seen["stuck"]["ttl"] == NEGATIVE_TTL, seen
    assert observations["refusing"] in ("refused", "lame") and observations["dead"] in ("unreachable", "timeout"), seen
    assert (seen["resolver"]["role"], observations["resolver"]) == ("extra", "unasked") and seen["dead"]["said"] is None, seen


def test_waiting_ends_when_all_agree(certd, bed):
    """It takes as long as the slowest server, and tells of each change once."""
    publish(bed, "good.test.", "_25._tcp.mail", "60", "TLSA", "3", "1", "1", "ab" * 32)
    begun = time.monotonic()
    done = subprocess.run([CERTCTL, "dns", "check", "_25._tcp.mail.good.test", "--wait"], env=certd.environment,
                          capture_output=True, text=True, timeout=100, check=False)
    took = time.monotonic() - begun
    assert done.returncode == 0, done
    assert took < LAG + 25, done
    late = [line for line in done.stdout.splitlines() if f": {bed.address('lagging')} says" in line]
    assert "older" in late[0] and "match" in late[-1] and len(late) == 2, done
    status, seen, err = check(certd, bed, "_25._tcp.mail.good.test")
    assert status == 0 and len({row["said"].lower() for row in seen.values()}) == 1, (seen, err)
    assert "3 1 1 abab" in seen["lagging"]["said"].lower() and {row["observation"] for row in seen.values()} == {"match"}


def test_a_look_ends_with_who_asked(certd):
    """Two that were broken off would else hold both places until the deadline."""
    for _ in range(3):
        asking = subprocess.Popen([CERTCTL, "dns", "check", "_x.good.test", "--wait"], env=certd.environment,
                                  stdout=subprocess.PIPE)
        assert asking.stdout.readline()
        asking.kill()
        asking.communicate()
    end = time.monotonic() + 5
    while certd.certctl("--json", "jobs").rows and time.monotonic() < end:
        time.sleep(0.1)
    assert certd.certctl("--json", "jobs").rows == []


def test_who_may_only_look_may_ask(certd):
    answer = certd.certctl("--json", "dns", "check", "192.0.2.1")
    assert answer.status != 0 and json.loads(answer.text)["error"] == "bad-argument"
