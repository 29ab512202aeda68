# SPDX-License-Identifier: MIT
"""Everything as an ordinary user: one user for both processes, said once, and nothing is missing."""
import os
import subprocess

import pytest
from instance import CERTD, Instance, as_user, process_status
from judge import check_leaf, openssl_verify

UID = 23456
CONFIG = """
defaults:
  roll: {min_age: 1s}
  renew: {curve: {20s: 15s}}
cas:
  root: {type: local, issuer: ca/root, lifetime: 1h}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 1h}
  example.com:
    web: {ca: root, names: [www.example.com], key: "rsa:2048", deploy: [web], lifetime: 20s}
targets:
  web:
    dir: {dir}/live
    check: [test, -s, "%{dir}/bundle.pem"]
    reload: {command: [touch, "{dir}/reloaded"]}
"""


@pytest.fixture(name="certd")
def make_certd(place):
    os.chown(place, UID, UID)
    certd = Instance(place, CONFIG, user=UID)
    os.chown(certd.dir / "certd.yaml", UID, UID)
    certd.log_path.touch()
    yield certd.start()
    certd.stop()


def test_an_ordinary_user_runs_it_all(certd, place):
    me = (UID, UID, ())
    watch = certd.watch()
    certd.wait_healthy(60)
    for pid in (certd.keeper_pid(), certd.engine_pid()):
        assert set(process_status(pid)["Uid"].split()) == {str(UID)}
    status = process_status(certd.engine_pid())
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and int(status["CapEff"], 16) == 0
    assert certd.log().count(" daemon.one-user") == 1
    # By itself, and by hand; the daemon's own user is its administrator, root is too.
    watch.wait(60, name="cert.deployed", cert="example.com/web", count=2)
    assert certd.certctl("renew", "example.com/web", "--force", "--wait", user=me).status == 0
    assert certd.certctl("roll", "example.com/web", "--force", "--wait", user=me).status == 0
    assert certd.certctl("reload", user=me).status == 0
    assert certd.certctl("reload").status == 0
    assert certd.certctl("status", user=(12345, 12345, ())).status == 4
    assert (place / "reloaded").stat().st_uid == UID
    check_leaf(certd.live("example.com/web"), ["www.example.com"])
    openssl_verify(certd.live("example.com/web"), certd.store("ca/root") / "curr/cert.pem")
    for path in (place / "state").rglob("*"):
        assert path.lstat().st_uid == UID
        assert path.is_symlink() or path.lstat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    # The death of the engine is that of the daemon here too.
    certd.kill(certd.engine_pid())
    certd.start()
    certd.wait_healthy(60)


def test_what_an_ordinary_user_cannot_do_is_said(certd):
    """A directory that is somebody else's, and an owner that only root may give."""
    certd.wait_healthy(60)
    certd.write_config(CONFIG.replace("dir: {dir}/live", "dir: /etc/certd-not-ours"))
    certd.ok("reload")
    row = certd.wait_status(lambda row: row["cert"] == "ca/root" or row["health"] == "failing")["example.com/web"]
    assert row["error"] == "no-rights" and "/etc/certd-not-ours" in row["error_text"], row
    certd.write_config(CONFIG)
    certd.ok("reload")
    certd.wait_healthy(60)


def test_a_state_directory_of_somebody_else(place):
    (place / "state").mkdir(mode=0o700)
    certd = Instance(place, CONFIG)
    done = subprocess.run([*as_user(UID, UID), CERTD, "-c", str(place / "certd.yaml")], env=certd.environment,
                          capture_output=True, text=True, check=False, cwd="/", timeout=60)
    assert done.returncode == 1 and "daemon.failed" in done.stderr and str(place / "state") in done.stderr, done
