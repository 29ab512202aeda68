# SPDX-License-Identifier: MIT
"""The spine from end to end: twenty leaves that live for a minute, before a real server and strict judges.

A minute in CI, five with LONG=1, plus what RSA 8192 takes.
"""
import datetime
import time

from instance import LONG
from judge import (Client, Pulse, Store, check_ca, check_leaf, end_of, instant, now, openssl_verify, read_cert,
                   read_chain, serial_of)
from nginx import Nginx

SECONDS = 300 if LONG else 60
KEYS = {"p256": "ec:secp256r1", "p384": "ec:secp384r1", "p521": "ec:secp521r1", "ed": "ed25519", "rsa2": "rsa:2048",
        "rsa3": "rsa:3072"}
# Renewed with 45 of its 60 seconds left, current five seconds later.
CONFIG = """
defaults:
  roll: {min_age: 5s}
  renew: {curve: {60s: 45s}}
  keep: 1000
cas:
  root: {type: local, issuer: ca/root, lifetime: 1h}
  int: {type: local, issuer: ca/int, lifetime: 1h}
groups:
  ca:
    root: {ca: self, subject: {CN: Root of the spine}, lifetime: 1h}
    int: {ca: root, subject: {CN: Issuing of the spine}, path_length: 0}
  example.com:
%s
  slow.example:
    rsa4: {ca: int, names: [rsa4.slow.example], key: "rsa:4096", lifetime: 50m, renew: {curve: {50m: 10m}}, deploy: [web]}
    rsa8: {ca: int, names: [rsa8.slow.example], key: "rsa:8192", lifetime: 50m, renew: {curve: {50m: 10m}}, deploy: [web]}
targets:
  web:
    dir: {dir}/live
    check: ["{dir}/nginx/check"]
    reload: {command: ["{dir}/nginx/reload"]}
"""


def make_leaves():
    """cert -> (key, names as configured); twenty of them, every kind of key and of name."""
    leaves = {"address": ("ec:secp256r1", ["127.0.0.1"]), "address6": ("ed25519", ["v6.example.com", "2001:db8::10"]),
              "idn": ("ec:secp384r1", ["bücher.example.com"]), "wild": ("ec:secp256r1", ["*.wild.example.com"])}
    for n in range(16):
        kind = list(KEYS)[n % 4 if n >= len(KEYS) else n]
        name = f"{kind}-{n}"
        leaves[name] = (KEYS[kind], [f"{name}.example.com", f"www.{name}.example.com"])
    return {f"example.com/{name}": leaf for name, leaf in leaves.items()}


LEAVES = make_leaves()
SLOW = {f"slow.example/{name}": [f"{name}.slow.example"] for name in ("rsa4", "rsa8")}


def a_labels(names):
    return [name if name[0] in "*0123456789" else name.encode("idna").decode() for name in names]


def make_config():
    return CONFIG % "\n".join(
        f"    {cert.split('/')[1]}: {{ca: int, lifetime: 60s, key: \"{key}\", deploy: [web], "
        f"names: [{', '.join(chr(34) + name + chr(34) for name in names)}]}}" for cert, (key, names) in LEAVES.items())


def asked(names):
    """What a client asks for."""
    return [name.replace("*", "any") for name in a_labels(names) if ":" not in name]


def check_plan(plan, events, tolerance):
    """
    What `certctl plan` foretold happened: the next event of each to the second, later ones to the minute.  It
    cannot know how long keys will take to make, so what the earlier jobs of a certificate took is added.
    """
    compared = 0
    names = {"issue": "cert.issued", "roll": "cert.rolled"}
    begun = {event["job"]: instant(event["at"]) for event in events if event["name"] == "job.started"}
    for cert in LEAVES:
        came = [(event["name"], begun.get(event["job"], instant(event["at"])), instant(event["at"])) for event in events
                if event.get("cert") == cert and event["name"] in names.values()]
        told = [(names[row["action"]], instant(row["at"])) for row in plan if row["cert"] == cert and row["action"] in names]
        # A cycle is half a life of 60 s and the time to make a key, which for RSA is long on a busy machine.
        least = SECONDS // 60 if "rsa" in LEAVES[cert][0] else SECONDS // 20
        assert len(came) >= least and len(told) >= len(came)
        worked = 0
        for n, ((did, when, done), (what, at)) in enumerate(zip(came, told)):
            late = (when - at).total_seconds()
            assert did == what, f"{cert}: {did} instead of {what}"
            assert -1 <= late <= (1 + tolerance if n == 0 else 60 + worked), \
                f"{cert}: the {n}th, {did}, {late} s after the plan said"
            worked += (done - when).total_seconds()
            compared += 1
    return compared


def check_pace(events, tolerance):
    """Every version was asked for and rolled when it was due; nobody waited for somebody else's slow key."""
    started, issued, rolled = {}, {}, {}
    for event in events:
        at = instant(event["at"])
        if event["name"] == "job.started":
            started[event["job"]] = at
        elif event["name"] == "cert.issued" and event["cert"] in LEAVES:
            took = (at - started.get(event["job"], at)).total_seconds()
            assert took <= (35 if LEAVES[event["cert"]][0].startswith("rsa") else 4) + tolerance, f"{event}: {took} s"
            issued.setdefault(event["cert"], []).append(at)
        elif event["name"] == "cert.rolled" and event["cert"] in LEAVES:
            rolled.setdefault(event["cert"], []).append(at)
    for cert in LEAVES:
        # What was issued before we looked may have rolled since.
        for begin, end in zip(issued[cert], [at for at in rolled[cert] if at > issued[cert][0]]):
            assert 4 <= (end - begin).total_seconds() <= 8 + tolerance, f"{cert}: issued {begin}, rolled {end}"
        for one, two in zip(rolled[cert], rolled[cert][1:]):
            # Fifteen seconds, the making of the key, five seconds of age.
            assert (two - one).total_seconds() <= (25 if not LEAVES[cert][0].startswith("rsa") else 55) + tolerance, f"{cert}: rolled {one}, then {two}"
        assert len(rolled[cert]) >= SECONDS // (60 if LEAVES[cert][0].startswith("rsa") else 30), f"{cert} rolled {len(rolled[cert])} times"


def check_files(certd, at):
    """Every judge looks at everything that is deployed, as of the moment when certd was stopped."""
    root, middle = (read_cert(certd.store(cert) / "curr/cert.pem") for cert in ("ca/root", "ca/int"))
    check_ca(root, root, None)
    check_ca(middle, root, 0)
    wanted = {**{cert: names for cert, (_, names) in LEAVES.items()}, **SLOW}
    for cert, names in wanted.items():
        openssl_verify(certd.live(cert), certd.store("ca/root") / "curr/cert.pem", at)
        leaf, chain = check_leaf(certd.live(cert), a_labels(names)), read_chain(certd.live(cert) / "chain.pem")
        assert chain == [middle, root] and end_of(leaf) > at
        assert cert in SLOW or end_of(leaf) - at <= datetime.timedelta(seconds=60)
        assert read_chain(certd.live(cert) / "fullchain.pem") == [leaf, *chain]
    for cert, bits in (("slow.example/rsa4", 4096), ("slow.example/rsa8", 8192)):
        assert read_cert(certd.live(cert) / "cert.pem").public_key().key_size == bits
    serials = [serial_of(path) for path in (certd.dir / "state/certs").glob("*/*/versions/*/cert.pem")]
    assert len(serials) == len(set(serials))


def test_a_minute_of_leaves(run, place):
    nginx = Nginx(place, {cert: asked(names) for cert, (_, names) in LEAVES.items()})
    pulse = Pulse()
    certd = run(make_config())
    client = None
    try:
        watch = certd.watch("--since", "1")
        certd.wait_healthy(90, patterns=["example.com/*"])
        nginx.start()
        client = Client(nginx.port, [name for _, names in LEAVES.values() for name in asked(names)],
                        certd.store("ca/root") / "curr/cert.pem")
        pulse.start()
        client.start()
        begin, mark = time.monotonic(), len(watch.events)
        plan = certd.ok("plan", "--days", "1", "example.com/*")
        # The run itself: nothing is waited for but its time.
        client.stopped.wait(SECONDS - (time.monotonic() - begin))
        during = watch.events[mark:]
        for cert in SLOW:
            watch.wait(300, name="cert.deployed", cert=cert)
    finally:
        tolerance = pulse.finish()
        if client:
            client.stopped.set()
            client.join()
        nginx.stop()
    print(f"{client.connections} connections, {nginx.count_reloads()} reloads, {check_plan(plan, during, tolerance)} "
          f"moments as foretold, {tolerance:.1f} s is what the machine was late")
    client.finish()
    assert client.connections >= SECONDS * 8
    assert all(len(seen) >= SECONDS // 60 for seen in client.seen.values()), client.seen
    assert nginx.count_reloads() >= SECONDS // 20
    check_pace(during, tolerance)
    for cert in SLOW:
        assert len(certd.versions(cert)) == 1
    assert not watch.find(name="cert.failed") and not watch.find(name="cert.late")
    certd.wait_healthy(60)
    at = now()
    certd.stop()
    Store(place / "state").look(after_start=True)
    check_files(certd, at)
