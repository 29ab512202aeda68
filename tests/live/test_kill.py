# SPDX-License-Identifier: MIT
"""SIGKILL to keeper or engine at random moments of a busy run.  Nobody but the one who restarts helps."""
import os
import time

from instance import LONG, until
from judge import Store, check_key, end_of, now, openssl_verify, read_cert

ROUNDS = 500 if LONG else 40
KEYS = ("ec:secp256r1", "ed25519", "ec:secp384r1", "ed25519", "rsa:2048", "ec:secp256r1", "ec:secp521r1", "ed25519")
LEAVES = [f"example.com/leaf{n}" for n in range(len(KEYS))]
# A restart costs seconds under sanitizers; a life of twelve leaves room for a few in a row.
CONFIG = """
defaults:
  roll: {min_age: 1s}
  renew: {curve: {12s: 9s}}
  keep: 10000
cas:
  root: {type: local, issuer: ca/root, lifetime: 1h}
  int: {type: local, issuer: ca/int, lifetime: 1h}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 1h}
    int: {ca: root, subject: {CN: Issuing}, path_length: 0, lifetime: 40s, roll: {min_age: 0s}}
  example.com:
%s
targets:
  web:
    dir: {dir}/live
    check: ["true"]
    reload: {command: ["true"]}
hooks: {before_roll: ["true"], after_issue: ["true"]}
""" % "\n".join(f"    leaf{n}: {{ca: int, lifetime: 12s, key: \"{key}\", names: [leaf{n}.example.com], deploy: [web]}}"
                for n, key in enumerate(KEYS))


def look_at_deployed(place):
    """Whole and with its own key, at every instant."""
    for cert in LEAVES:
        curr = place / "live" / cert / "curr"
        if curr.exists():
            assert sorted(path.name for path in curr.iterdir()) == ["bundle.pem", "cert.pem", "chain.pem",
                                                                    "fullchain.pem", "privkey.pem"], curr
            check_key(curr)


def test_killed_at_random_moments(run, place, chance):
    certd, store = run(CONFIG), Store(place / "state")
    for n in range(ROUNDS):
        time.sleep(chance.choice((0.02, 0.3, 1)) * chance.random())
        victim = certd.keeper_pid() if chance.random() < 0.5 else certd.engine_pid()
        if victim is None:
            victim = certd.keeper_pid()
        where = f"round {n}: {'keeper' if victim == certd.keeper_pid() else 'engine'} killed"
        certd.kill(victim)
        store.look(after_start=False)
        look_at_deployed(place)
        assert "ERROR: AddressSanitizer" not in certd.log(), where
        certd.launch()
        # Most rounds let it come up; some kill it in the middle of that.
        if chance.random() < 0.8:
            until(certd.answers, 30, lambda where=where: f"{where}: {certd.log()[-3000:]}")
        if chance.random() < 0.3:
            certd.certctl(chance.choice(("renew", "roll")), chance.choice(LEAVES), "--force")
    until(certd.answers, 30, certd.log)
    certd.wait_healthy(120)
    store.look(after_start=True)
    store.nothing_lost()
    look_at_deployed(place)
    for cert in LEAVES:
        ends = end_of(read_cert(certd.live(cert) / "cert.pem"))
        assert ends > now(), f"{cert} has expired where it is served"
        openssl_verify(certd.live(cert), certd.store("ca/root") / "curr/cert.pem")
    assert not [path for path in (place / "state").glob("quarantine/*/*")], os.listdir(place / "state/quarantine")
    certd.check_sanitizers()


def test_both_die_when_one_dies(run):
    """... and say so in the log; systemd sees a failure and starts them again."""
    certd = run(CONFIG)
    keeper, engine = certd.keeper, certd.engine_pid()
    certd.kill(engine)
    assert keeper.returncode == 1
    assert "the engine was killed by signal 9" in certd.log()
    certd.start()
    certd.kill(certd.keeper_pid())
    certd.start()
    certd.wait_healthy(60)
