# SPDX-License-Identifier: MIT
"""A state directory that is full, read-only or damaged: said at the certificate, and the others go on."""
import os
import shutil
import subprocess

import pytest
from instance import until
from judge import Store, current

CONFIG = """
defaults:
  roll: {min_age: 1s}
  key: ed25519
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], deploy: [web]}
    mail: {ca: root, names: [smtp.example.com], deploy: [web]}
targets:
  web: {dir: "{dir}/live"}
"""
WEB, MAIL = "example.com/web", "example.com/mail"


class Space:
    """A mount namespace whose only difference is a small file system at the state directory."""

    def __init__(self, state):
        self.state = state
        state.mkdir(mode=0o700)
        self.shell = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh"], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")
        self.run(f"mount -t tmpfs -o size=512k,mode=700 none {state}")

    def run(self, command):
        """Its output; anything but success is a failure."""
        self.shell.stdin.write(f"{command}; echo END $?\n")
        self.shell.stdin.flush()
        text = ""
        while not text.rpartition("\n")[2].startswith("END"):
            line = self.shell.stdout.readline()
            assert line, text
            if line.startswith("END"):
                assert line == "END 0\n", text
                return text
            text += line
        return text

    def wrap(self):
        return ["nsenter", f"--mount=/proc/{self.shell.pid}/ns/mnt"]

    def close(self):
        self.shell.communicate("")


@pytest.fixture(name="space")
def make_space(place):
    space = Space(place / "state")
    yield space
    space.close()


def fails_and_recovers(certd, spoil, mend, words):
    """What was there stays and is served, what failed is said, and nobody has to help afterwards but `mend`."""
    certd.wait_healthy()
    before = {row["version"] for cert in (WEB, MAIL) for row in certd.versions(cert)}
    spoil()
    # Another name has to be in it at once, and cannot.
    certd.write_config(CONFIG.replace("[www.example.com]", "[www.example.com, example.com]"))
    certd.ok("reload")
    row = certd.wait_status(lambda row: row["error"], patterns=[WEB])[WEB]
    assert certd.certctl("renew", WEB, "--force", "--wait").status == 1
    assert row["error"] in words and row["health"] == "failing" and row["curr"], row
    assert row["error"] in certd.certctl("why", WEB).text or row["error_text"] in certd.certctl("why", WEB).text
    assert certd.certctl("status", MAIL).status == 0 and certd.certctl("status", WEB).status == 1
    assert certd.ok("deploy", MAIL) is not None and certd.ok("versions", MAIL)
    mend()
    certd.ok("renew", WEB, "--force", "--wait")
    watch = certd.watch()
    if certd.status()[WEB]["next"]:
        watch.wait(name="cert.deployed", cert=WEB)
    certd.wait_healthy()
    assert before <= {row["version"] for cert in (WEB, MAIL) for row in certd.versions(cert)}
    assert certd.status()[WEB]["error"] is None


def test_a_full_disk(run, space, place):
    certd = run(CONFIG, wrap=space.wrap())
    fails_and_recovers(certd, lambda: space.run(f"cat /dev/zero >{place}/state/fill 2>/dev/null; sync; df {place}/state"),
                       lambda: space.run(f"rm {place}/state/fill"), ["disk-full"])
    assert not space.run(f"find {place}/state -name '.tmp-*'")
    assert "disk-full" in certd.log()


def test_a_disk_that_becomes_read_only(run, space, place):
    certd = run(CONFIG, wrap=space.wrap())
    fails_and_recovers(certd, lambda: space.run(f"mount -o remount,ro {place}/state"),
                       lambda: space.run(f"mount -o remount,rw {place}/state"), ["io", "no-rights"])


def damaged(run, damage):
    """A daemon that was stopped, found its state damaged, and was started again."""
    certd = run(CONFIG)
    certd.wait_healthy()
    certd.ok("renew", WEB, MAIL, "--force", "--wait")
    certd.wait_status(lambda row: not row["next"] and row["action"] != "deploy")
    certd.stop()
    before = {cert: current(certd, cert) for cert in ("ca/root", WEB, MAIL)}
    damage(certd.dir / "state")
    certd.start()
    assert {cert: current(certd, cert) for cert in ("ca/root", MAIL)} == {"ca/root": before["ca/root"], MAIL: before[MAIL]}
    return certd, before


@pytest.mark.parametrize("how", ["garbage", "directory", "empty"])
def test_facts_that_cannot_be_read(run, how):
    def damage(state):
        facts = state / "facts" / WEB
        facts.unlink()
        if how == "directory":
            (facts / "x").mkdir(parents=True)
        else:
            facts.write_bytes(b"\0\xff rubbish\n" if how == "garbage" else b"")
        for index in (state / "facts").glob("index*"):
            index.unlink()
    certd, before = damaged(run, damage)
    certd.wait_healthy()
    assert current(certd, WEB) == before[WEB]
    assert "store.quarantined" in certd.log() and list((certd.dir / "state/quarantine").rglob("*web*"))
    certd.ok("renew", WEB, "--force", "--wait")
    certd.wait_healthy()
    Store(certd.dir / "state").look(after_start=True)


@pytest.mark.parametrize("how", ["missing", "dangling", "a file"])
def test_a_broken_link(run, how):
    def damage(state):
        link = state / "certs" / WEB / "curr"
        link.unlink()
        if how == "dangling":
            link.symlink_to("versions/20200101T000000Z-1")
        elif how == "a file":
            link.write_text("rubbish")
    certd, before = damaged(run, damage)
    certd.wait_healthy()
    assert current(certd, WEB) == before[WEB], "the newest version that was current is current again"
    assert "store.repaired" in certd.log()
    Store(certd.dir / "state").look(after_start=True)


def test_a_torn_version(run):
    def damage(state):
        curr = (state / "certs" / WEB / "curr").resolve()
        (curr / "privkey.pem").write_text("")
    certd, before = damaged(run, damage)
    certd.wait_healthy()
    assert current(certd, WEB) != before[WEB] and "store.quarantined" in certd.log()
    Store(certd.dir / "state").look(after_start=True)


@pytest.mark.parametrize("what", ["versions/*", ".", "versions/*/privkey.pem"])
def test_something_of_a_foreign_user(run, what):
    """It is not touched and not used, and the certificate says so until an administrator has looked."""
    def damage(state):
        for path in [state / "certs" / WEB] if what == "." else list((state / "certs" / WEB).glob(what)):
            os.chown(path, 12345, 12345)
    certd, _ = damaged(run, damage)
    rows = certd.wait_status(lambda row: row["cert"] != WEB or row["error"] or row["curr"])
    row = rows[WEB]
    assert row["error"] == "broken-store" and "12345" in row["error_text"] or "store.quarantined" in certd.log(), row
    certd.ok("renew", MAIL, "--force", "--wait")
    assert certd.certctl("status", MAIL, "ca").status == 0
    for path in (certd.dir / "state").rglob("*"):
        if path.lstat().st_uid == 12345:
            os.chown(path, 0, 0)
    if row["error"]:
        certd.certctl("renew", WEB, "--force", "--wait")
    certd.wait_healthy()
    until(lambda: certd.status()[WEB]["error"] is None, 20, certd.status)


def test_the_live_directory_vanishes(run):
    """What a target lost is brought back by `deploy`."""
    certd = run(CONFIG)
    certd.wait_healthy()
    shutil.rmtree(certd.dir / "live")
    certd.ok("deploy", "--wait")
    assert current(certd, WEB) and (certd.live(WEB) / "privkey.pem").exists()
