# SPDX-License-Identifier: MIT
"""Hooks that fail, hang, flood, fork away or veto: each harms its own certificate only."""
import subprocess

from instance import process_status, rss_kib, until
from judge import current, renew_and_roll, served
from local_ca import HEAD, TWO

HOOK = """#!/bin/sh
echo "$CERTD_SERVICE sees $(env | grep -c -e ^HOME= -e ^CERTD_SOCKET= -e ^ASAN) foreign variables"
[ -e {dir}/armed ] || exit 0
case $CERTD_SERVICE in
hang) trap '' TERM; sleep 98761 & sleep 98761;;
flood) yes "$(head -c 3000 /dev/zero | tr '\\0' x)" | head -c 100000000; sleep 98763;;
fork) setsid sh -c 'sleep 98762' & sleep 98762;;
killed) kill -9 $$;;
noisy) printf 'a\\033[31mb\\007\\n\\377\\n'; exit 3;;
esac
exit 0
"""


def test_hooks_harm_nobody_else(run, place):
    bad = ("hang", "flood", "fork", "killed", "noisy")
    leaves = "".join(f"    {name}: {{ca: root, names: [{name}.example.com], deploy: [web]}}\n" for name in (*bad, "good"))
    (place / "hook").write_text(HOOK.replace("{dir}", str(place)))
    (place / "hook").chmod(0o755)
    certd = run(HEAD + "groups:\n  ca:\n    root: {ca: self, subject: {CN: Root}, lifetime: 30d}\n  example.com:\n" + leaves
                + 'targets:\n  web: {dir: "{dir}/live"}\nhooks: {after_issue: ["{dir}/hook"]}\n',
                env={"ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"})
    certd.wait_healthy()
    assert "good sees 0 foreign variables" in certd.log()
    (place / "armed").touch()
    watch, before = certd.watch(), rss_kib(certd.keeper_pid())
    for name in bad:
        certd.ok("renew", f"example.com/{name}", "--force")
    for _ in range(3):
        assert renew_and_roll(certd, "example.com/good").status == 0
    assert served(certd, "example.com/good") == current(certd, "example.com/good")
    for name in ("killed", "noisy"):
        failed = watch.wait(name="hook.failed", cert=f"example.com/{name}")
        assert "signal 9" in failed["text"] or "status 3" in failed["text"], failed
        # After the issue a hook is told, not asked: the certificate is there and goes on.
        watch.wait(name="cert.issued", cert=f"example.com/{name}")
    output = [event["text"] for event in watch.find(name="hook.output", cert="example.com/noisy")]
    assert output and not any(ord(char) < 32 for text in output for char in text), output
    jobs = {row["cert"]: row["job"] for row in certd.ok("jobs")}
    assert {"example.com/hang", "example.com/flood", "example.com/fork"} <= set(jobs), jobs
    assert rss_kib(certd.keeper_pid()) < before + 32 * 1024
    # An operator ends the job and its hook, a minute ends the command, each with all that came from it.
    assert find_processes("^(yes xxx|sleep 98763)")
    certd.ok("cancel", str(jobs["example.com/flood"]))
    watch.wait(name="job.done", job=jobs["example.com/flood"], result="failed")
    until(lambda: not find_processes("^(yes xxx|sleep 98763)"), 10, lambda: find_processes("^(yes xxx|sleep 98763)"))
    for name in ("hang", "fork"):
        assert "was stopped" in watch.wait(90, name="hook.failed", cert=f"example.com/{name}")["text"]
        assert watch.wait(name="job.done", job=jobs[f"example.com/{name}"])["result"] == "ok"
    until(lambda: not find_processes("^sleep 9876[123]"), 20, lambda: find_processes("^sleep 9876[123]"))
    assert len(certd.log()) < 4 << 20
    (place / "armed").unlink()
    certd.wait_healthy()


def find_processes(pattern):
    done = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [pid for pid in done.stdout.split() if process_status(pid)]


def test_hooks_veto(run, place):
    certd = run(TWO + '  web: {dir: "{dir}/live"}\n  mail: {dir: "{dir}/live"}\n'
                'hooks: {before_issue: [sh, -c, "test ! -e {dir}/$CERTD_SERVICE-issue"],'
                ' before_roll: [sh, -c, "test ! -e {dir}/$CERTD_SERVICE-roll"]}\n')
    certd.wait_healthy()
    before = current(certd, "example.com/mail")
    (place / "mail-roll").touch()
    certd.ok("renew", "example.com/mail", "--force", "--wait")
    answer = certd.certctl("roll", "example.com/mail", "--force", "--wait")
    assert answer.status == 6 and "veto" in answer.text + answer.err, answer
    assert current(certd, "example.com/mail") == served(certd, "example.com/mail") == before
    row = certd.status("example.com/mail")["example.com/mail"]
    assert row["error"] == "vetoed" and row["next"], row
    assert renew_and_roll(certd, "example.com/web").status == 0
    (place / "mail-roll").unlink()
    assert certd.certctl("roll", "example.com/mail", "--force", "--wait").status == 0
    versions = len(certd.versions("example.com/mail"))
    (place / "mail-issue").touch()
    answer = certd.certctl("renew", "example.com/mail", "--force", "--wait")
    assert answer.status == 6 and len(certd.versions("example.com/mail")) == versions, answer
    (place / "mail-issue").unlink()
    certd.ok("renew", "example.com/mail", "--force", "--wait")
    certd.wait_healthy()
