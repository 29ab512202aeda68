# SPDX-License-Identifier: MIT
"""certd as a system service, under a real systemd and journald."""
import re

import container
import pytest

CERT = "example.test/web"
ROLLED = "6f335b4b59244d0bb028faf1f3e314e4"
SANDBOX = "7a75996da9084938a594bfeca2e9a55b"
REJECTED = "7cb0e63330864552a4475e4cae715404"
CURR = f"/etc/certd/live/{CERT}/curr"

CONFIG = """
defaults: {key: ec:secp256r1}
cas: {root: {type: local, issuer: ca/root, lifetime: 30d, digest: sha256}}
groups:
  ca:
    root: {ca: self, subject: {CN: Systemd Test Root}, lifetime: 3650d}
  example.test:
    web: {ca: root, names: [localhost], deploy: [web]}
targets:
  web:
    dir: /etc/certd/live
    formats: [pem, pkcs12]
    password_file: credential:p12
    check: [/usr/sbin/nginx, -t]
    after_copy: [/usr/bin/touch, /usr/outside-of-the-sandbox]
    reload: {unit: nginx.service}
"""
NGINX = """
events {}
http {
	server {
		listen 127.0.0.1:443 ssl;
		server_name localhost;
		ssl_certificate %s/fullchain.pem;
		ssl_certificate_key %s/privkey.pem;
		location / { return 200 "hello"; }
	}
}
""" % (CURR, CURR)
# LeakSanitizer needs ptrace, which the unit's sandbox refuses; leaks are looked for in other tests.
DROP_IN = """
[Service]
LoadCredential=p12:/etc/certd/p12.pass
Environment=ASAN_OPTIONS=detect_leaks=0
WatchdogSec=5s
RestartSec=100ms
"""


@pytest.fixture(name="box", scope="module")
def fixture_box(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("systemd")
    stage = tmp / "stage"
    stage.mkdir()
    container.install(str(stage))
    with container.booted(str(stage), str(tmp / "out")) as box:
        box.write("/etc/certd/certd.yaml", CONFIG)
        box.write("/etc/certd/p12.pass", "a secret\n", 0o600)
        box.write("/etc/nginx/nginx.conf", NGINX)
        box.write("/etc/systemd/system/certd.service.d/test.conf", DROP_IN)
        box.exec("systemctl", "daemon-reload")
        box.exec("journalctl", "--update-catalog")
        yield box


def serial(box):
    """The serial number that the server shows to a client that trusts our root alone."""
    box.write("/root-ca.pem", box.read("/var/lib/certd/certs/ca/root/curr/cert.pem"))
    shown = box.exec("sh", "-c", "echo | openssl s_client -connect 127.0.0.1:443 -servername localhost "
                     "-verify_return_error -CAfile /root-ca.pem 2>/dev/null | openssl x509 -noout -serial", check=False)
    return shown.stdout.strip() if shown.returncode == 0 else None


def engine_pid(box):
    found = box.exec("pgrep", "-x", "certd-engine", check=False).stdout.split()
    return found[0] if len(found) == 1 else None


def is_well(box):
    return box.status("certctl", "status", CERT) == 0 and engine_pid(box)


def restarted(box, before):
    return int(box.show("NRestarts")) > before and box.show("ActiveState") == "active" and is_well(box)


def test_files(box):
    """sysusers and tmpfiles have done their work, and systemd likes the units."""
    assert "/nologin" in box.exec("getent", "passwd", "certd")
    assert box.exec("stat", "-c", "%a %U", "/etc/certd/live").strip() == "755 root"
    box.exec("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", "certd.service", "certd.socket")
    path = box.show("FragmentPath")
    # adjtimex(2), which tells whether the kernel's clock is synchronised, costs 0.2 of these 2.9.
    box.exec("systemd-analyze", "security", "--offline=yes", "--threshold=29", path)


def test_enable(box):
    box.exec("systemctl", "enable", "--now", "certd.socket", "certd.service")
    assert box.show("ActiveState") == "active"
    assert box.show("ActiveState", "certd.socket") == "active"
    assert box.exec("stat", "-c", "%a", "/run/certd/control.sock").strip() == "666"
    assert box.exec("stat", "-c", "%a", "/var/lib/certd").strip() == "700"
    box.until("the certificate is issued and deployed", lambda: serial(box))
    # The server shows it before the job has looked at the reloaded unit.
    box.until("no job is at work", lambda: box.exec("certctl", "--json", "jobs").strip() == "[]")
    row = box.exec("certctl", "status", CERT)
    assert CERT in row
    box.until("the status line", lambda: box.show("StatusText"))


def test_questions(box):
    """What reads, forks and computes works inside of the sandbox."""
    assert re.search(rf"{CERT}\s.*roll", box.exec("certctl", "plan", "--days", "60", CERT))
    assert box.exec("certctl", "why", CERT).strip() and box.exec("certctl", "show", CERT).strip()
    assert "certd_certificates{" in box.exec("certctl", "metrics")


def test_credential(box):
    """The password of the PKCS #12 file came from LoadCredential=."""
    files = box.exec("sh", "-c", f"ls {CURR}/*.p12").split()
    assert len(files) == 1
    box.exec("openssl", "pkcs12", "-in", files[0], "-passin", "pass:a secret", "-nodes", "-noout")
    assert box.status("openssl", "pkcs12", "-in", files[0], "-passin", "pass:another", "-nodes", "-noout") != 0


def test_roles(box):
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "certctl")
    assert box.status(*nobody, "status") == 4
    assert box.status(*nobody, "renew", CERT) == 4
    group = box.exec("getent", "group", "certd").split(":")[2]
    operator = ("setpriv", "--reuid", "65534", "--regid", "65534", "--groups", group, "certctl")
    assert box.status(*operator, "status") == 0
    assert box.status(*operator, "reload") == 4


def test_engine_is_locked_in(box):
    status = box.exec("cat", f"/proc/{engine_pid(box)}/status")
    uid = box.exec("id", "-u", "certd").strip()
    assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.M)
    assert re.search(r"^Groups:\t *$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
    for capabilities in re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\t(\w+)$", status, re.M):
        assert int(capabilities, 16) == 0
    said = box.journal("MESSAGE_ID=" + SANDBOX)[-1]["MESSAGE"]
    assert re.search(r"no-new-privs no-caps landlock\(\d+\) seccomp$", said)


def test_roll(box):
    """
    A forced roll reaches the server, which is reloaded and not restarted.  The target's command may write
    below /usr, where the unit may not: it runs outside of its sandbox.
    """
    box.exec("rm", "-f", "/usr/outside-of-the-sandbox")
    nginx, before = box.show("MainPID", "nginx.service"), serial(box)
    box.exec("certctl", "renew", "--force", "--wait", CERT)
    assert serial(box) == before
    box.exec("certctl", "roll", "--force", "--wait", CERT)
    box.until("the server shows the new certificate", lambda: serial(box) not in (before, None))
    assert box.show("MainPID", "nginx.service") == nginx
    assert box.status("test", "-e", "/usr/outside-of-the-sandbox") == 0


def test_journal(box):
    by_id = [e for e in box.journal("MESSAGE_ID=" + ROLLED) if e.get("CERTD_CERT") == CERT]
    assert by_id and by_id[-1]["SYSLOG_IDENTIFIER"] == "certd" and by_id[-1]["PRIORITY"] == "5"
    assert by_id[-1]["_SYSTEMD_UNIT"] == "certd.service"
    by_cert = box.journal("CERTD_CERT=" + CERT)
    assert {"cert.issued", "cert.rolled", "cert.deployed"} <= {e.get("CERTD_EVENT") for e in by_cert}
    told = box.exec("journalctl", "--no-pager", "-x", "--catalog", "MESSAGE_ID=" + ROLLED)
    assert f"Subject: {CERT} has a new current version" in told
    assert f'"certctl show {CERT}" shows which target has which version.' in told


def test_reload(box):
    pid = box.show("MainPID")
    box.write("/etc/certd/certd.yaml", CONFIG.replace("names: [localhost]", "names: [localhost, www.localhost]"))
    box.exec("systemctl", "reload", "certd")
    box.until("the next version has the new name",
              lambda: "www.localhost" in box.exec("sh", "-c", f"cat /var/lib/certd/certs/{CERT}/next/info || true"))
    box.write("/etc/certd/certd.yaml", CONFIG.replace("deploy:", "deplay:"))
    assert box.status("systemctl", "reload", "certd") != 0
    assert box.journal("MESSAGE_ID=" + REJECTED)
    refused = box.exec("certctl", "reload", check=False)
    assert refused.returncode != 0 and "deplay" in refused.stdout + refused.stderr
    assert is_well(box) and box.show("MainPID") == pid and box.show("ActiveState") == "active"
    box.write("/etc/certd/certd.yaml", CONFIG)
    box.exec("systemctl", "kill", "--kill-whom=main", "-s", "HUP", "certd")
    box.until("the signal reloads too", lambda: len(box.journal("CERTD_EVENT=config.loaded")) >= 2)
    box.exec("systemctl", "reload", "certd")


@pytest.mark.parametrize("victim", ["engine", "keeper"])
def test_killed(box, victim):
    """Whichever of the two is killed, both go, and both come back."""
    before = int(box.show("NRestarts"))
    keeper, engine = box.show("MainPID"), engine_pid(box)
    box.exec("kill", "-9", engine if victim == "engine" else keeper)
    box.until("both are back", lambda: restarted(box, before))
    assert box.show("MainPID") != keeper and engine_pid(box) != engine
    assert box.status("test", "-e", f"/proc/{engine}") != 0 and box.status("test", "-e", f"/proc/{keeper}") != 0


@pytest.mark.parametrize("victim", ["engine", "keeper"])
def test_watchdog(box, victim):
    """Whichever hangs is noticed, because the watchdog is fed by the engine's progress through the keeper."""
    before = int(box.show("NRestarts"))
    keeper, engine = box.show("MainPID"), engine_pid(box)
    box.exec("kill", "-STOP", engine if victim == "engine" else keeper)
    box.until("the watchdog bites", lambda: restarted(box, before))
    assert engine_pid(box) != engine and box.show("MainPID") != keeper
    assert any("watchdog" in e["MESSAGE"].lower() for e in box.journal("_PID=1", "UNIT=certd.service"))


def test_progress_feeds_the_watchdog(box):
    """And a daemon that is merely idle is left alone."""
    before, pid = box.show("NRestarts"), box.show("MainPID")
    start = float(box.read("/proc/uptime").split()[0])
    box.until("twice the watchdog's time has passed",
              lambda: float(box.read("/proc/uptime").split()[0]) > start + 11)
    assert box.show("NRestarts") == before and box.show("MainPID") == pid


def test_socket_activation(box):
    box.exec("systemctl", "stop", "certd.service")
    assert box.show("Result") == "success" and box.show("ActiveState") == "inactive"
    assert box.show("ActiveState", "certd.socket") == "active"
    assert box.status("pgrep", "-x", "certd-engine") != 0
    assert CERT in box.exec("certctl", "status")
    assert box.show("ActiveState") == "active"


def test_mistake_at_start(box):
    """A start with a broken configuration fails once, with its reason, and is not repeated."""
    box.exec("systemctl", "stop", "certd.socket", "certd.service")
    box.write("/etc/certd/certd.yaml", CONFIG.replace("deploy:", "deplay:"))
    assert box.status("systemctl", "start", "certd.service") != 0
    box.until("it has failed", lambda: box.show("ActiveState") == "failed")
    assert box.show("ExecMainStatus") == "78"
    assert [e for e in box.journal("MESSAGE_ID=f5a0eca34f5e47fb942ca3c54b273194")
            if "did you mean deploy" in e["MESSAGE"] and e["CERTD_FILE"] == "/etc/certd/certd.yaml" and e["CERTD_LINE"]]
    box.write("/etc/certd/certd.yaml", CONFIG)
    box.exec("systemctl", "start", "certd.socket", "certd.service")
    box.until("it is well again", lambda: is_well(box))


def test_end(box):
    assert serial(box)
    assert box.exec("systemctl", "is-system-running").strip() == "running"
    box.exec("systemctl", "disable", "--now", "certd.socket", "certd.service")
    assert box.show("Result") == "success"
    assert not [e for e in box.journal("_SYSTEMD_UNIT=certd.service")
                if re.search("Sanitizer|runtime error", str(e["MESSAGE"]))]
