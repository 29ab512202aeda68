# SPDX-License-Identifier: MIT
"""A configuration that changes while certd runs."""
import os
import signal

from instance import until
from judge import check_leaf, read_cert

CONFIG = """
defaults:
  roll: {min_age: 1s}
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], key: ed25519, deploy: [web]}
    mail: {ca: root, names: [smtp.example.com], key: ed25519}
targets:
  web: {dir: "{dir}/live"}
"""
MAIL = "    mail: {ca: root, names: [smtp.example.com], key: ed25519}\n"


def serials(certd, *certs):
    return [read_cert(certd.store(cert) / "curr/cert.pem").serial_number for cert in certs]


def test_a_changed_name_list_reissues(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    before = serials(certd, "ca/root", "example.com/mail")
    watch = certd.watch()
    certd.write_config(CONFIG.replace("[www.example.com]", "[www.example.com, example.com, 192.0.2.1]"))
    certd.ok("reload")
    watch.wait(name="cert.deployed", cert="example.com/web")
    check_leaf(certd.live("example.com/web"), ["www.example.com", "example.com", "192.0.2.1"])
    # The order of the names means nothing, and nobody else is touched.
    certd.write_config(CONFIG.replace("[www.example.com]", "[192.0.2.1, example.com, www.example.com]"))
    certd.ok("reload")
    certd.wait_healthy()
    assert len(watch.find(name="cert.issued")) == 1 and serials(certd, "ca/root", "example.com/mail") == before
    certd.write_config(CONFIG.replace("[www.example.com]", "[www.example.com, example.com, 192.0.2.1]")
                       .replace("key: ed25519, deploy", "key: \"ec:secp256r1\", deploy"))
    certd.ok("reload")
    watch.wait(name="cert.deployed", cert="example.com/web", count=2)
    assert read_cert(certd.live("example.com/web") / "cert.pem").public_key().key_size == 256


def test_a_removed_certificate_is_archived_and_comes_back(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    before, watch = serials(certd, "example.com/mail"), certd.watch()
    certd.write_config(CONFIG.replace(MAIL, ""))
    certd.ok("reload")
    watch.wait(name="cert.archived")
    assert not certd.store("example.com/mail").exists() and "example.com/mail" not in certd.status()
    assert certd.certctl("show", "example.com/mail").status == 5
    archived = list((certd.dir / "state/archive/example.com").glob("mail.*/versions/*/privkey.pem"))
    assert len(archived) == 1 and archived[0].stat().st_mode & 0o777 == 0o600
    certd.write_config(CONFIG)
    certd.ok("reload")
    watch.wait(name="cert.restored")
    certd.wait_healthy()
    assert serials(certd, "example.com/mail") == before and not archived[0].exists()
    assert not watch.find(name="cert.issued")
    # The same while certd does not run.
    certd.stop()
    certd.write_config(CONFIG.replace(MAIL, ""))
    certd.start()
    assert list(certd.status()) == ["ca/root", "example.com/web"]
    certd.stop()
    certd.write_config(CONFIG)
    certd.start()
    certd.wait_healthy()
    assert serials(certd, "example.com/mail") == before


def test_an_invalid_configuration_changes_nothing(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    before, watch = serials(certd, "ca/root", "example.com/web", "example.com/mail"), certd.watch()
    certd.write_config(CONFIG.replace("deploy: [web]", "deploy: [wep]").replace("min_age: 1s", "min_ages: 1s"))
    answer = certd.certctl("reload")
    assert answer.status == 1
    told = answer.text + answer.err
    for part in ("certd.yaml:6:", "min_ages", "certd.yaml:13:", "did you mean web?", "2 mistakes", "nothing was changed"):
        assert part in told, answer
    watch.wait(name="config.rejected")
    # By signal nobody waits for an answer; the log has it.
    os.kill(certd.keeper_pid(), signal.SIGHUP)
    watch.wait(name="config.rejected", count=2)
    mistakes = watch.find(name="config.mistake")
    assert len(mistakes) == 4 and {event["line"] for event in mistakes} == {"6", "13"}, mistakes
    assert all(event["file"].endswith("/certd.yaml") for event in mistakes)
    (certd.dir / "certd.yaml").unlink()
    assert certd.certctl("reload").status == 1
    certd.wait_healthy()
    assert serials(certd, "ca/root", "example.com/web", "example.com/mail") == before
    assert not watch.find(name="cert.issued") and not watch.find(name="cert.archived")
    for key, value in (("/state\n", "/elsewhere\n"), ("/control.sock", "/other.sock")):
        certd.write_config(CONFIG)
        path = certd.dir / "certd.yaml"
        path.write_text(path.read_text().replace(key, value))
        answer = certd.certctl("reload")
        assert answer.status == 1 and "restart" in answer.err, answer


def test_sighup_reloads(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    watch = certd.watch()
    more = CONFIG.replace(MAIL, MAIL + MAIL.replace("mail:", "more:"))
    certd.write_config(more)
    os.kill(certd.keeper_pid(), signal.SIGHUP)
    watch.wait(name="cert.rolled", cert="example.com/more")
    # Many at once are as good as one.
    certd.write_config(CONFIG)
    for _ in range(20):
        os.kill(certd.keeper_pid(), signal.SIGHUP)
    until(lambda: "example.com/more" not in certd.status(), 20, certd.log)
    certd.wait_healthy()


def test_a_reload_in_the_middle_of_work(run):
    """Jobs of what was removed end; all others go on."""
    slow = CONFIG + 'hooks: {before_issue: [sh, -c, "sleep 3"]}\n'
    certd = run(CONFIG)
    certd.wait_healthy()
    certd.write_config(slow)
    certd.ok("reload")
    watch = certd.watch()
    certd.ok("renew", "example.com/*", "--force")
    watch.wait(name="job.step", step="before-issue", cert="example.com/mail")
    certd.write_config(slow.replace(MAIL, ""))
    certd.ok("reload")
    assert watch.wait(name="job.done", cert="example.com/mail")["result"] == "failed"
    assert watch.wait(name="job.done", cert="example.com/web")["result"] == "ok"
    watch.wait(name="cert.archived")
    until(lambda: certd.ok("jobs") == [], 20, certd.log)
    certd.write_config(CONFIG)
    certd.ok("reload")
    certd.wait_healthy()
