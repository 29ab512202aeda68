# SPDX-License-Identifier: MIT
"""An unwanted next version, and commands that stand behind each other in a script."""
from judge import read_cert

CONFIG = """
defaults:
  roll: {min_age: 1h}
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], key: ed25519, deploy: [web]}
targets:
  web: {dir: "{dir}/live", include_next: true}
"""
CERT = "example.com/web"


def test_a_discarded_next_is_gone_everywhere(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    before = read_cert(certd.store(CERT) / "curr/cert.pem").serial_number
    assert certd.certctl("renew", CERT, "--force", "--wait").status == 0
    shown = certd.dir / "live/example.com/web/next"
    assert shown.is_dir() and (certd.store(CERT) / "next").is_symlink()
    answer = certd.certctl("--json", "discard", CERT)
    assert answer.status == 0 and answer.rows[0]["cert"] == CERT and answer.rows[0]["discarded"], answer
    assert not shown.exists() and not (certd.store(CERT) / "next").is_symlink()
    assert certd.certctl("discard", CERT).status == 1
    certd.stop()
    certd.start()
    certd.wait_healthy()
    assert not (certd.store(CERT) / "next").is_symlink()
    assert certd.certctl("roll", CERT, "--force").status == 1
    assert read_cert(certd.store(CERT) / "curr/cert.pem").serial_number == before


def test_roll_waits_for_the_roll_that_the_plan_begins(run):
    """With no age to wait for, each of these rolls meets the one that the plan has begun, or finds it done."""
    certd = run(CONFIG.replace("1h", "0s"))
    certd.wait_healthy()
    for _ in range(5):
        before = read_cert(certd.store(CERT) / "curr/cert.pem").serial_number
        assert certd.certctl("renew", CERT, "--force", "--wait").status == 0
        answer = certd.certctl("roll", CERT, "--wait")
        assert answer.status == 0, answer
        assert read_cert(certd.store(CERT) / "curr/cert.pem").serial_number != before


def test_force_spares_the_root(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    before = read_cert(certd.store("ca/root") / "curr/cert.pem").serial_number
    answer = certd.certctl("renew", "--force", "--wait")
    assert answer.status == 0 and "ca/root" in answer.text, answer
    answer = certd.certctl("renew", "ca", "--force")
    assert answer.status == 6 and "named in full" in answer.err, answer
    assert not (certd.store("ca/root") / "next").is_symlink()
    assert read_cert(certd.store("ca/root") / "curr/cert.pem").serial_number == before
