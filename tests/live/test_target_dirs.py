# SPDX-License-Identifier: MIT
"""What lies in directories of targets: before the first deploy, after the last one, and what cannot be removed."""
import shutil
import subprocess

from instance import until
from judge import current, renew_and_roll, served
from local_ca import HEAD

CERT = "example.com/web"
CONFIG = HEAD + """
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], deploy: [web, more]}
targets:
  web: {dir: "{dir}/live"}
  more: {dir: "{dir}/more"}
"""


def shown(certd, kind):
    """The rows of one kind that `show` answers."""
    return [row for row in certd.ok("--json", "show", CERT) if row["kind"] == kind]


def test_what_lay_there_before_is_set_aside(run, place):
    own = place / "live" / CERT / "curr"
    own.mkdir(parents=True)
    (own / "own.key").write_text("precious")
    certd = run(CONFIG)
    certd.wait_healthy()
    aside = own.parent / "curr.before-certd"
    assert (aside / "own.key").read_text() == "precious" and str(aside) in certd.log()
    # Once, and whatever comes later is certd's own, also after a restart and for a target without such a thing.
    for _ in range(2):
        assert renew_and_roll(certd, CERT).status == 0
        certd.wait_healthy()
        certd.stop()
        certd.start()
        certd.wait_healthy()
    assert served(certd, CERT) == current(certd, CERT)
    assert sorted(path.name for path in own.parent.iterdir()) == ["curr", "curr.before-certd"]
    assert [path.name for path in (place / "more" / CERT).iterdir()] == ["curr"]


def test_what_lay_there_before_survives_a_check_that_refuses(run, place):
    own = place / "live" / CERT / "curr"
    own.mkdir(parents=True)
    (own / "own.key").write_text("precious")
    (place / "refuse").touch()
    certd = run(CONFIG.replace('{dir: "{dir}/live"}', '{dir: "{dir}/live", check: [test, "!", -e, "{dir}/refuse"]}'))
    certd.wait_status(lambda row: row["cert"] != CERT or row.get("error") == "check-failed")
    assert (own / "own.key").read_text() == "precious"
    certd.stop()
    certd.start()
    (place / "refuse").unlink()
    assert certd.certctl("deploy", CERT, "--wait").status == 0
    assert (own.parent / "curr.before-certd/own.key").read_text() == "precious"


def test_an_old_copy_is_told_once_and_shown_until_it_is_gone(run, place):
    certd = run(CONFIG)
    certd.wait_healthy()
    assert not shown(certd, "old-copy")
    old = place / "live" / CERT, place / "more" / CERT
    # One directory is changed, and the other target removed.
    certd.write_config(CONFIG.replace("/live", "/moved").replace(", more]", "]"))
    assert certd.certctl("reload").status == 0
    assert certd.certctl("deploy", CERT, "--wait").status == 0
    assert (place / "moved" / CERT / "curr").is_dir()
    dirs = sorted(map(str, old))
    until(lambda: sorted(row["dir"] for row in shown(certd, "old-copy")) == dirs, 60,
          lambda: f"{shown(certd, 'old-copy')}")
    certd.stop()
    certd.start()
    certd.wait_healthy()
    assert sorted(row["dir"] for row in shown(certd, "old-copy")) == dirs
    assert renew_and_roll(certd, CERT).status == 0
    for directory in old:
        assert certd.log().count(f"lies in {directory}, which") == 1, certd.log()
        assert (directory / "curr/privkey.pem").exists()
    shutil.rmtree(old[0] / "curr")
    assert certd.certctl("reload").status == 0
    until(lambda: [row["dir"] for row in shown(certd, "old-copy")] == dirs[1:], 60, lambda: f"{shown(certd, 'old-copy')}")
    # It is in use again.
    certd.write_config(CONFIG.replace("/live", "/moved"))
    assert certd.certctl("reload").status == 0
    assert certd.certctl("deploy", CERT, "--wait").status == 0
    until(lambda: not shown(certd, "old-copy"), 60, lambda: f"{shown(certd, 'old-copy')}")
    assert not (place / "more" / CERT / "curr.before-certd").exists()


def test_what_cannot_be_removed_is_shown_and_tried_again(run, place):
    certd = run(CONFIG)
    certd.wait_healthy()
    curr = place / "live" / CERT / "curr"
    stuck = curr.parent / ".certd-gone/1/cert.pem"
    subprocess.run(["mount", "--bind", curr / "cert.pem", curr / "cert.pem"], check=True)
    try:
        assert renew_and_roll(certd, CERT).status == 0
        certd.wait_healthy()
        until(lambda: any("cert.pem" in (row["leftover"] or "") for row in shown(certd, "target")), 30, certd.log)
        certd.stop()
        certd.start()
        certd.wait_healthy()
        assert any(row["leftover"] for row in shown(certd, "target"))
        assert certd.log().count("could not be removed") == 1
    finally:
        subprocess.run(["umount", stuck], check=False)
    # An operator's deploy, which has nothing else to do, tries it again.
    assert certd.certctl("deploy", CERT, "--wait").status == 0
    assert not any(row["leftover"] for row in shown(certd, "target")), certd.log()[-2000:]
    assert not stuck.parent.parent.exists()
