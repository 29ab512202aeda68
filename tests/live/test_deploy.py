# SPDX-License-Identifier: MIT
"""Targets: owner and modes, checks that refuse, order; what fails harms its own certificate only."""
import os
import stat
import threading

from judge import current, renew_and_roll, served
from local_ca import HEAD, TWO


class Spy(threading.Thread):
    """
    Looks at every file below a directory without pause; `seen` are the owners and modes of each name.  A file
    that is being made beside curr is the daemon's alone for a moment, before it gets its owner and holds a byte.
    """

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.dir, self.seen, self.rounds, self.stopped = directory, {}, 0, False

    def run(self):
        while not self.stopped:
            for place, _, names in os.walk(self.dir):
                for name in names:
                    try:
                        st = os.stat(os.path.join(place, name), follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    what = (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode))
                    if what != (0, 0, 0o600) or st.st_size > 0 or os.path.basename(place) == "curr":
                        self.seen.setdefault(name, set()).add(what)
            self.rounds += 1


def test_owner_and_modes_are_never_wrong(run, place):
    certd = run(TWO + '  web: {dir: "{dir}/live", owner: "games:mail", key_mode: "0440"}\n  mail: {dir: "{dir}/live"}\n')
    certd.wait_healthy()
    spy = Spy(place / "live/example.com/web")
    spy.start()
    for _ in range(10):
        assert renew_and_roll(certd, "example.com/web").status == 0
    spy.stopped = True
    spy.join()
    assert spy.rounds > 10
    games, mail = 5, 8
    for name in ("privkey.pem", "bundle.pem"):
        assert spy.seen[name] == {(games, mail, 0o440)}, spy.seen
    for name in ("cert.pem", "chain.pem", "fullchain.pem"):
        assert spy.seen[name] == {(games, mail, 0o644)}, spy.seen
    assert served(certd, "example.com/web") == current(certd, "example.com/web")
    assert os.listdir(place / "live/example.com/web") == ["curr"]


def test_a_check_that_refuses(run, place):
    """The files from before come back, the target is tried again later, and nobody else waits."""
    certd = run(TWO + '  web: {dir: "{dir}/live", check: [test, "!", -e, "{dir}/refuse"]}\n'
                '  mail: {dir: "{dir}/live"}\n')
    certd.wait_healthy()
    watch, before = certd.watch(), served(certd, "example.com/web")
    (place / "refuse").touch()
    assert renew_and_roll(certd, "example.com/web").status == 1
    watch.wait(name="target.restored")
    row = certd.status("example.com/web")["example.com/web"]
    assert row["error"] == "check-failed" and row["health"] == "failing" and "check of web" in row["error_text"], row
    assert row["action"] == "deploy" and row["why"] == "backoff" and row["tries"] >= 1, row
    assert served(certd, "example.com/web") == before != current(certd, "example.com/web")
    assert certd.certctl("status", "example.com/web").status == 1
    assert renew_and_roll(certd, "example.com/mail").status == 0
    assert served(certd, "example.com/mail") == current(certd, "example.com/mail")
    # It is tried again by itself, is refused again, and then works without anybody.
    watch.wait(name="target.restored", count=2)
    (place / "refuse").unlink()
    watch.wait(60, name="cert.recovered", cert="example.com/web")
    watch.wait(60, name="cert.deployed", cert="example.com/web")
    certd.wait_healthy()
    assert served(certd, "example.com/web") == current(certd, "example.com/web")


def test_one_bad_certificate_in_a_crowd(run, place):
    """Three go to one target together; the check likes two of them."""
    certs = [f"example.com/{name}" for name in ("one", "two", "three")]
    leaves = "".join(f"    {cert[12:]}: {{ca: root, names: [{cert[12:]}.example.com], deploy: [web]}}\n" for cert in certs)
    script = place / "check"
    script.write_text(f'#!/bin/sh\ncd {place}/live/example.com && [ ! -e ../../marked ] || '
                      'cmp -s two/curr/cert.pem ../../marked\n')
    script.chmod(0o755)
    certd = run(HEAD + "groups:\n  ca:\n    root: {ca: self, subject: {CN: Root}, lifetime: 30d}\n  example.com:\n" + leaves
                + 'targets:\n  web: {dir: "{dir}/live", check: ["{dir}/check"]}\n')
    certd.wait_healthy()
    before = served(certd, "example.com/two")
    (place / "marked").write_bytes((certd.live("example.com/two") / "cert.pem").read_bytes())
    assert renew_and_roll(certd, "example.com/*").status == 1
    rows = certd.status("example.com/*")
    assert {cert: row["error"] for cert, row in rows.items()} == {
        "example.com/one": None, "example.com/two": "check-failed", "example.com/three": None}
    assert served(certd, "example.com/two") == before
    for cert in ("example.com/one", "example.com/three"):
        assert served(certd, cert) == current(certd, cert)


def test_targets_keep_their_order(run, place):
    """`second` is reloaded after `first` has confirmed, and waits while it fails."""
    certd = run(HEAD + """
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], deploy: [second, first], lifetime: 30s}
targets:
  second: {dir: "{dir}/two", after: [first], reload: {command: [sh, -c, "echo second >>{dir}/order"]}}
  first: {dir: "{dir}/live", check: [test, "!", -e, "{dir}/refuse"], reload: {command: [sh, -c, "sleep 0.2; echo first >>{dir}/order"]}}
""")
    certd.wait_healthy()
    for _ in range(3):
        assert renew_and_roll(certd, "example.com/web").status == 0
    order = (place / "order").read_text().split()
    assert len(order) >= 8 and order == ["first", "second"] * (len(order) // 2), order
    (place / "refuse").touch()
    assert renew_and_roll(certd, "example.com/web").status == 1
    assert (place / "order").read_text().split() == order
    (place / "refuse").unlink()
    watch = certd.watch()
    watch.wait(60, name="cert.deployed", target="second")
    assert (place / "order").read_text().split()[len(order):][:2] == ["first", "second"]
