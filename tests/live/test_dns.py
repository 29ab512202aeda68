# SPDX-License-Identifier: MIT
"""Records that are believed only when every name server shows them, with real name servers and a real CA."""
import pathlib
import re
import time

import pytest
from acme_bed import check_pair, journal, leaf_of, make_config, names, pending_keys, san_of, write_program
from dnsbed import DnsBed, query
from instance import until
from pebble import Pebble

CERT = "example.test/web"


class Resolved(Pebble):
    """Pebble that looks through the bed's resolver."""

    def __init__(self, directory, bed, **kw):
        super().__init__(directory, **kw)
        self.resolver = f"{bed.resolver}:53"


def told(certd, event):
    """The lines of all events of this name."""
    return re.findall(rf"(?m)^\S+ {re.escape(event)}\b.*$", certd.log())


@pytest.fixture(name="bed")
def make_bed(place):
    with DnsBed(place / "dns") as bed:
        yield bed


def make_dns(bed, zones, extra=(), more=""):
    """The section of a configuration; `zones`: name -> the text of its map."""
    lines = ", ".join(f"{name}: {{{text}}}" for name, text in zones.items())
    servers = ", ".join(f'"{address}"' for address in extra)
    return f"dns: {{resolver: [{bed.resolver}], extra_nameservers: [{servers}], {more} zones: {{{lines}}}}}"


def update(bed, server="primary", key=None):
    """How a zone is published by dynamic updates."""
    return f'publish: {{type: update, server: "{bed.address(server)}:53", tsig: {key or bed.tsig}}}'


def include(bed, zone, command):
    words = ", ".join(f'"{word}"' for word in command)
    return f"publish: {{type: include, acme_dir: {zone.include_dir}, refresh: [{words}]}}"


def settle(certd, seconds=120):
    certd.wait_healthy(seconds)
    until(lambda: not certd.ok("jobs"), 60, "no job left")
    assert not journal(certd) and not pending_keys(certd)


def failure(certd, cert=CERT, seconds=60):
    """The sentence of the first failure."""
    return until(lambda: certd.status(cert)[cert].get("error_text"), seconds, lambda: certd.log()[-3000:])


def shown(bed, zone, owner):
    return {server: query(bed.address(server), owner)[1] for server in zone.servers}


@pytest.mark.parametrize("primary", ["primary", "bprimary"])
def test_updates(run, place, bed, primary):
    """TSIG updates against Knot and BIND, secondaries of three kinds, an IPv6-only one, Pebble through the resolver."""
    zone = bed.zone("example.test", [primary, "knot", "nsd", *(["bind", "six"] if primary == "primary" else [])])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test", "*.example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed, primary)}, [bed.resolver])))
        settle(certd)
        assert san_of(leaf_of(certd, CERT)) == ["*.example.test", "example.test"]
        check_pair(certd, CERT)
        assert ca.count("challenge") == 2, "no look was in vain"
        until(lambda: not any(shown(bed, zone, "_acme-challenge.example.test").values()), 30, "all withdrawn")
        assert len(told(certd, "dns.updated")) == 2, "one update to publish, one to withdraw"


@pytest.mark.parametrize("primary", ["primary", "bprimary"])
def test_what_a_wildcard_makes_is_in_nobody_s_way(run, place, bed, primary):
    """An alias or a TXT record from a wildcard, as Knot, BIND and NSD make them, at several depths."""
    made = ["* CNAME lb", "lb A 127.0.0.1", '*.deep TXT "v=spf1 -all"', "*.away CNAME host.nowhere.test."]
    wanted = [f"{name}.example.test" for name in ("app", "a.b.c.d", "a.b.deep", "a.away")]
    zone = bed.zone("example.test", [primary, "knot", "nsd", *(["bind"] if primary == "primary" else [])], extra=made)
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names(*wanted)}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed, primary)}, [bed.resolver])))
        settle(certd)
        assert san_of(leaf_of(certd, CERT)) == sorted(wanted)
        assert ca.count("challenge") == len(wanted), "no look was in vain"
        assert not told(certd, "cert.failed")
        assert sorted(set(re.findall(r": (_acme\S+) for", "".join(told(certd, "dns.seen"))))) \
            == sorted(f"_acme-challenge.{name}" for name in wanted)
        until(lambda: not any(text for texts in shown(bed, zone, "_acme-challenge.app.example.test").values() for text in texts),
              30, "all withdrawn")


@pytest.mark.parametrize("primary", ["primary", "bprimary"])
def test_one_name_that_may_not_be_changed(run, place, bed, primary):
    """It alone fails, with a sentence of its own: BIND says REFUSED of it, Knot that it does not know the key."""
    zone = bed.zone("example.test", [primary, "nsd"])
    zone.owners = [f"_acme-challenge.w{i}" for i in range(8)]
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        services = {f"w{i}": names(f"w{i}.example.test") for i in range(8)}
        certd = run(make_config(ca, {"bad": names("bad.example.test"), **services}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed, primary)}, [bed.resolver])))
        text = failure(certd, "example.test/bad")
        assert "the record _acme-challenge.bad.example.test: " in text, text
        # Knot 3.4 says NOTAUTH without a signature.
        words = ["BADKEY", "does not know our key"] if primary == "primary" else ["REFUSED"]
        assert any(word in text for word in words), text
        certd.wait_healthy(90, [f"example.test/{service}" for service in services])
        assert not any(certd.status(f"example.test/{s}")[f"example.test/{s}"].get("error_text") for s in services)
        assert ca.count("challenge") == 8
        until(lambda: not journal(certd), 60, "nothing left")
        until(lambda: not any(any(shown(bed, zone, f"{o}.example.test").values()) for o in zone.owners), 30, "all withdrawn")
        # All at once, is anything allowed, the parts; and the same of what the server may have after all.
        assert len(told(certd, "dns.refused")) <= 4 and len(told(certd, "dns.updated")) <= 12


NOBODY = "publish: {type: command, add: [/bin/false], remove: [/bin/false]}"


@pytest.mark.parametrize("kind", ["default", "above", "inherited", "below"])
def test_zones_of_one_entry(run, place, bed, kind):
    """Whatever zones the names lie in: each goes by the nearest entry, and under its own apex."""
    zones = [bed.zone(name, ["primary", "knot"]) for name in ("example.test", "other.test")]
    bed.start()
    entries = {
        "default": {"default": update(bed)},
        "above": {"default": NOBODY, "test": update(bed)},
        "inherited": {"default": update(bed), "test": f'primary: "{bed.address("primary")}:53"'},
        "below": {"default": update(bed), "example.test": NOBODY, "www.example.test": update(bed)},
    }[kind]
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("www.example.test", "*.other.test")}, "dns-01",
                                dns=make_dns(bed, entries, [bed.resolver])))
        settle(certd)
        assert ca.count("challenge") == 2
        assert len(told(certd, "dns.updated")) == 4, "each zone has its own"
        until(lambda: not any(value for zone in zones for name in ("www.example.test", "other.test")
                              for value in shown(bed, zone, f"_acme-challenge.{name}").values()), 30, "withdrawn")


def test_a_dead_primary(run, place, bed):
    """One that is asked first is not the only one."""
    bed.zone("example.test", ["primary", "knot"])
    bed.start()
    zone = f'primary: "{bed.address("primary")}:11153", {update(bed)}'
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test", "*.example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": zone}, [bed.resolver])))
        settle(certd)
        assert ca.count("challenge") == 2 and not told(certd, "cert.failed")
        assert ":11153 cannot be reached" in told(certd, "dns.seen")[0]


def test_include(run, place, bed):
    """Files that a signer reads; foreign records stay."""
    zone = bed.zone("example.test", ["primary", "knot", "nsd"], kind="include", extra=['_acme-challenge TXT "foreign"'])
    bed.start()
    refresh = write_program(place / "refresh", f'#!/bin/sh\necho "$1" >>{place}/refreshed\nexec {" ".join(bed.reload(zone))}\n')
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test", "*.example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": include(bed, zone, [refresh, "%{zone}"])}, [bed.resolver])))
        settle(certd)
        # The file that was there did not look like ours; one publication and one withdrawal follow.
        assert (place / "refreshed").read_text() == "example.test\n" * 3
        until(lambda: shown(bed, zone, "_acme-challenge.example.test") ==
              {server: ["foreign"] for server in zone.servers}, 30, "only what is foreign")
        (zone.include_dir / "acme-challenge.example.test").write_text("; what somebody did to it\n")
        certd.ok("publish", "--wait")
        assert "kept by certd" in (zone.include_dir / "acme-challenge.example.test").read_text()
        assert (place / "refreshed").read_text() == "example.test\n" * 4


def test_delegated(run, place, bed):
    """An alias into a dynamic zone with a key of its own, which the certificate does not mention."""
    bed.zone("example.test", ["primary", "knot"], extra=["_acme-challenge.www CNAME www.acme.other.test."])
    other = bed.zone("acme.other.test", ["bprimary", "nsd"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("www.example.test")}, "dns-01", dns=make_dns(
            bed, {"example.test": NOBODY, "acme.other.test": update(bed, "bprimary")}, [bed.resolver])))
        settle(certd)
        assert ca.count("challenge") == 1
        until(lambda: not any(shown(bed, other, "www.acme.other.test").values()), 30, "withdrawn")


def test_an_alias_that_disturbs(run, place, bed):
    """Whoever runs a name's zone cannot have us write what hides a wildcard of ours."""
    bed.zone("customer.test", ["primary", "knot"], extra=["_acme-challenge.www CNAME shop.example.test."])
    zone = bed.zone("example.test", ["primary", "nsd"], extra=["* A 192.0.2.9"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        config = make_config(ca, {"web": names("*.example.test", "www.customer.test")}, "dns-01",
                             dns=make_dns(bed, {"example.test": update(bed)}, [bed.resolver]))
        certd = run(config)
        assert "_acme-challenge.www.customer.test is an alias of shop.example.test, where a challenge could disturb " \
               "others; let it lead to _acme-challenge.example.test, or give the zone aliases: any" in failure(certd)
        assert not told(certd, "dns.updated")
        assert ca.count("new-order") == 0 and ca.count("challenge") == 0
        assert not any(shown(bed, zone, "shop.example.test").values())


def test_one_lags(run, place, bed):
    """The CA hears nothing before the last secondary shows it; `why` says who is missing."""
    bed.lag = 12
    bed.zone("example.test", ["primary", "knot", "lagging"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed)})))
        until(lambda: told(certd, "dns.updated"), 30, lambda: certd.log()[-2000:])
        time.sleep(6)
        assert ca.count("challenge") == 0
        assert bed.address("lagging") in str(certd.ok("why", CERT))
        settle(certd)
        assert ca.count("challenge") == 1


def test_in_every_state(run, place, bed):
    """One dead, one refusing, one flapping: three rounds, then the others are enough."""
    bed.zone("example.test", ["primary", "knot", "dead", "refusing", "flapping"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed)})))
        settle(certd, 180)
        assert ca.count("challenge") == 1


def test_a_cached_no(run, place, bed):
    """An extra name server that remembers that nothing is there is waited for."""
    bed.zone("example.test", ["primary", "knot"])
    bed.start()
    assert query(bed.resolver, "_acme-challenge.example.test", recurse=True, timeout=5) == (3, [])
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test")}, "dns-01",
                                dns=make_dns(bed, {"example.test": update(bed)}, [bed.resolver])))
        settle(certd, 180)
        assert ca.count("challenge") == 1 and not told(certd, "cert.failed")


def test_stopped_in_the_middle(run, place, bed):
    """What is published is withdrawn when the daemon stops; without a name server that stays for the next start."""
    zone = bed.zone("example.test", ["primary", "stuck"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        certd = run(make_config(ca, {"web": names("example.test")}, "dns-01", dns=make_dns(bed, {"example.test": update(bed)})))
        until(lambda: told(certd, "dns.updated"), 30, lambda: certd.log()[-2000:])
        certd.stop()
        assert not journal(certd) and not shown(bed, zone, "_acme-challenge.example.test")["primary"]
        certd.start()
        until(lambda: shown(bed, zone, "_acme-challenge.example.test")["primary"], 60, lambda: certd.log()[-2000:])
        bed.end("primary")
        begun = time.monotonic()
        certd.stop()
        assert time.monotonic() - begun < 15 and journal(certd), "nobody was waited for"


def refused(run, place, bed, section, certs=None, **kw):
    """Runs until the first failure: its sentence, and what the CA was asked."""
    with Resolved(place / "ca", bed, **kw) as ca:
        certd = run(make_config(ca, certs or {"web": names("www.example.test")}, "dns-01", dns=section))
        text = failure(certd, seconds=90)
        return text, {kind: ca.count(kind) for kind in ("new-order", "challenge", "finalize")}


def test_a_refresh_that_does_nothing(run, place, bed):
    zone = bed.zone("example.test", ["primary", "knot"], kind="include")
    bed.start()
    section = make_dns(bed, {"example.test": include(bed, zone, ["/bin/true"])}, more="deadline: 12s,")
    text, asked = refused(run, place, bed, section)
    assert "not seen everywhere in time" in text and bed.address("primary") in text, text
    assert asked["challenge"] == 0


def test_a_secondary_that_never_transfers(run, place, bed):
    bed.zone("example.test", ["primary", "stuck"])
    bed.start()
    text, asked = refused(run, place, bed, make_dns(bed, {"example.test": update(bed)}, more="deadline: 12s,"))
    assert bed.address("stuck") in text and "behind" in text, text
    assert asked["challenge"] == 0


def test_a_wrong_key(run, place, bed):
    bed.zone("example.test", ["primary", "knot"])
    bed.start()
    (place / "wrong.key").write_text("d3JvbmcgZm9yIHN1cmUsIHdyb25nIGZvciBzdXJlLi4=\n")
    (place / "wrong.key").chmod(0o600)
    key = f"{{name: acme-key., algorithm: hmac-sha256, secret_file: {place}/wrong.key}}"
    text, asked = refused(run, place, bed, make_dns(bed, {"example.test": update(bed, key=key)}))
    assert "BADSIG" in text or "signature" in text, text
    assert asked["challenge"] == 0


def test_a_clock_that_is_off(run, place, bed):
    """The name server's clock is an hour behind ours."""
    bed.zone("example.test", ["primary"])
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    bed.environment["primary"] = {"LD_PRELOAD": str(library), "FAKETIME": "-1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    bed.start()
    text, asked = refused(run, place, bed, make_dns(bed, {"example.test": update(bed)}))
    assert "clock" in text, text
    assert asked["challenge"] == 0


def test_a_loop(run, place, bed):
    bed.zone("example.test", ["primary", "knot"], extra=["_acme-challenge.www CNAME a", "a CNAME b", "b CNAME _acme-challenge.www"])
    bed.start()
    text, asked = refused(run, place, bed, make_dns(bed, {"example.test": update(bed)}))
    assert "circle" in text and "a.example.test" in text, text
    assert asked["new-order"] == 0


@pytest.mark.parametrize("record, allowed", [('0 issue "ca.example.test"', True), ('0 issue "somebody.else"', False),
                                             ('0 issue ";"', False), ('128 future "x"', False),
                                             ('0 issue "ca.example.test; validationmethods=http-01"', False)])
def test_caa(run, place, bed, record, allowed):
    bed.zone("example.test", ["primary", "knot"], extra=[f"@ CAA {record}"])
    bed.start()
    section = make_dns(bed, {"example.test": update(bed)})
    if allowed:
        with Resolved(place / "ca", bed) as ca:
            settle(run(make_config(ca, {"web": names("www.example.test")}, "dns-01", dns=section)))
        return
    text, asked = refused(run, place, bed, section)
    assert "CAA" in text and "example.test" in text, text
    assert asked["new-order"] == 0


def test_a_record_that_stays(run, place, bed):
    """dns-persist-01: certd says what to put there, and uses it once it is there."""
    bed.zone("example.test", ["primary", "knot"])
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        config = make_config(ca, {"web": names("example.test", "*.example.test")}, "dns-persist-01",
                             dns=make_dns(bed, {"example.test": update(bed)}))
        certd = run(config)
        text = failure(certd)
        assert "_validation-persist.example.test" in text, text
        account = re.search(r"accounturi=(\S+?)[;\"\s]", text)
        assert account, text
        bed.add("primary", "example.test", "_validation-persist.example.test",
                f'"ca.example.test; ACCOUNTURI={account[1]}; Policy=Wildcard"')
        until(lambda: shown(bed, bed.zones[0], "_validation-persist.example.test")["knot"], 10, "transferred")
        certd.ok("renew", CERT, "--force")
        settle(certd)
        assert san_of(leaf_of(certd, CERT)) == ["*.example.test", "example.test"]


def test_fifty(run, place, bed):
    """Apex and wildcard of fifty names in five zones at once: many records in each update, and no look in vain."""
    zones = [f"z{n}.test" for n in range(5)]
    for zone in zones:
        bed.zone(zone, ["primary", "knot", "lagging"])
    bed.start()
    for zone in zones:
        query(bed.resolver, f"_acme-challenge.n0.{zone}", recurse=True, timeout=5)
    with Resolved(place / "ca", bed) as ca:
        config = make_config(ca, {}, "dns-01", dns=make_dns(bed, {zone: update(bed) for zone in zones}, [bed.resolver]))
        groups = "".join(f"  {zone}:\n" + "".join(
            f"    n{k}: {{ca: pebble, {names(f'n{k}.{zone}', f'*.n{k}.{zone}')}}}\n" for k in range(10)) for zone in zones)
        certd = run(config.replace("  example.test:\n", groups))
        settle(certd, 240)
        assert not told(certd, "cert.failed")
        assert ca.count("challenge") == 100 and ca.count_issued() == 50
        # Of each zone twenty records come and go; how many are there when an update begins is up to the machine.
        updates = {}
        for line in told(certd, "dns.updated"):
            zone, n = re.search(r"dns.updated: (\S+): .* update of (\d+) record", line).groups()
            updates.setdefault(zone, []).append(int(n))
        assert sorted(updates) == zones and all(sum(n) >= 40 for n in updates.values()), updates
        assert all(len(n) <= 20 for n in updates.values()), updates
