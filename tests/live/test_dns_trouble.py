# SPDX-License-Identifier: MIT
"""Publishing that fails, hangs, and is ended: with real name servers, a real CA and real programs."""
import re
import time

import pytest
from acme_bed import journal, make_config, names, write_program
from dnsbed import DnsBed
from instance import until
from test_dns import CERT, Resolved, failure, include, make_dns, settle, told


@pytest.fixture(name="bed")
def make_bed(place):
    with DnsBed(place / "dns") as bed:
        yield bed


def make_refresh(place, bed, zone, then):
    """A refresh that works while there is nothing to say, and then does `then` until there is a file `ok`."""
    return write_program(place / "refresh", f"""#!/bin/sh
echo "$1" >>{place}/refreshed
if test ! -e {place}/ok && grep -q TXT {zone.include_dir}/acme-challenge.$1; then {then}; fi
exec {" ".join(bed.reload(zone))}
""")


def begin(run, place, bed, ca, then, more=""):
    zone = bed.zone("example.test", ["primary", "knot"], kind="include")
    bed.start()
    ca.__enter__()
    refresh = make_refresh(place, bed, zone, then)
    return run(make_config(ca, {"web": names("example.test")}, "dns-01", dns=make_dns(
        bed, {"example.test": include(bed, zone, [refresh, "%{zone}"])}, [bed.resolver], more)))


def test_a_lock_that_is_held(run, place, bed):
    """It fails, is told once with its reason and in `why`, and goes on when the reason is gone."""
    ca = Resolved(place / "ca", bed)
    try:
        certd = begin(run, place, bed, ca, "echo the signer is locked; exit 1")
        until(lambda: len(re.findall("example.test", (place / "refreshed").read_text())) >= 4, 60, lambda: certd.log()[-2000:])
        why = str(certd.ok("why", CERT))
        assert re.search(r"_acme-challenge\.example\.test: publishing fails since \S+: .*the signer is locked; "
                         r"the next try is at \S+", why), why
        assert len(told(certd, "zone.failed")) == 1
        (place / "ok").write_text("")
        settle(certd)
        assert len(told(certd, "zone.failed")) == 1 and len(told(certd, "zone.recovered")) == 1
        assert not told(certd, "cert.failed") and ca.count("challenge") == 1
    finally:
        ca.__exit__()


def test_the_deadline_ends_it(run, place, bed):
    """Commands that hang, too."""
    ca = Resolved(place / "ca", bed)
    try:
        certd = begin(run, place, bed, ca, "exec sleep 1000", "deadline: 12s, check_delay: 1s,")
        began = time.monotonic()
        assert "has not ended" in failure(certd)
        assert time.monotonic() - began < 20
        assert ca.count("challenge") == 0
    finally:
        ca.__exit__()


@pytest.mark.parametrize("then", ["exec sleep 1000", "trap '' TERM; while :; do sleep 1; done"])
def test_a_stop_while_it_hangs(run, place, bed, then):
    """A stop is quick and no failure; what is published is swept by the next start."""
    ca = Resolved(place / "ca", bed)
    try:
        certd = begin(run, place, bed, ca, then)
        until(lambda: len((place / "refreshed").read_text().split()) >= 2, 60, lambda: certd.log()[-2000:])
        time.sleep(1)
        began = time.monotonic()
        certd.stop()
        assert time.monotonic() - began < 9
        assert not told(certd, "daemon.failed"), certd.log()[-2000:]
        (place / "ok").write_text("")
        certd.start()
        settle(certd)
        assert not journal(certd)
    finally:
        ca.__exit__()


def test_publish_beside_a_job(run, place, bed):
    """What somebody did to a file is mended though a challenge is out."""
    bed.lag = 12
    zone = bed.zone("example.test", ["primary", "lagging"], kind="include")
    bed.start()
    with Resolved(place / "ca", bed) as ca:
        refresh = make_refresh(place, bed, zone, "true")
        certd = run(make_config(ca, {"web": names("example.test")}, "dns-01", dns=make_dns(
            bed, {"example.test": include(bed, zone, [refresh, "%{zone}"])}, [bed.resolver])))
        until(lambda: told(certd, "challenge.published"), 30, lambda: certd.log()[-2000:])
        file = zone.include_dir / "acme-challenge.example.test"
        file.unlink()
        certd.ok("publish", CERT, "--wait")
        assert "TXT" in file.read_text()
        settle(certd)
