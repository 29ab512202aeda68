# SPDX-License-Identifier: MIT
"""The running keeper killed at each system call that changes something, of one issue and of one roll.

tests/live/test_store_kill.py does this to the bare store; here it is the daemon, with its worker
threads, a target and a hook.  Every eighth call from an offset of the printed seed; all with LONG=1.
"""
import os
import re
import signal
import subprocess

import pytest
from instance import LONG, Instance, until
from judge import Store, check_key, current, end_of, now, openssl_verify, read_cert, served

STEP = 1 if LONG else 8
CHANGES = ("openat", "write", "fsync", "fchmod", "fchmodat", "fchown", "fchownat", "mkdirat", "renameat", "renameat2",
           "symlinkat", "unlinkat", "utimensat", "sendmsg")
WEB = "example.com/web"
CONFIG = """
defaults:
  roll: {min_age: 1h}
  key: ed25519
  keep: 10000
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], deploy: [web]}
targets:
  web: {dir: "{dir}/live", check: ["true"], reload: {command: ["true"]}}
"""
# What an undisturbed run does, and the event that is its last.
WORKS = {"renew": "cert.issued", "roll": "cert.deployed"}


class Tracer:
    """strace on all threads of the keeper, from when it says so until it is closed or the keeper dies."""

    def __init__(self, certd, *args):
        self.process = subprocess.Popen(["strace", "-f", "-p", str(certd.keeper_pid()), *args], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        assert "attached" in line, line

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)


def do(certd, work):
    """One issue or one roll up to its end, which may be that of the daemon."""
    return certd.certctl(work, WEB, "--force", "--wait")


def settle(certd):
    """Nothing is under way any more."""
    certd.wait_status(lambda row: row["curr"] and row["action"] != "deploy" and row["health"] in ("ok", "waiting", "due"))
    until(lambda: not certd.ok("jobs"), 20, "jobs go on")


def survived(certd):
    """Did the work end without a death?"""
    try:
        settle(certd)
    except AssertionError:
        until(lambda: certd.keeper.poll() is not None, 10, certd.log)
    return certd.keeper.poll() is None


def list_points(certd, work):
    """The calls of one undisturbed run: (name, how many of that name before and with it, the line)."""
    log = certd.dir / "trace"
    tracer = Tracer(certd, "-o", str(log), "-e", "trace=" + ",".join(CHANGES))
    assert do(certd, work).status == 0
    settle(certd)
    tracer.close()
    count, points = {}, []
    for line in log.read_text().splitlines():
        match = re.match(r"\d+ +(\w+)\((.*)", line)
        if match:
            name = match[1]
            count[name] = count.get(name, 0) + 1
            if (name != "openat" or "O_CREAT" in line) and (name != "write" or '"\\1\\0\\0\\0\\0\\0\\0\\0"' not in line):
                points.append((name, count[name]))
    assert len(points) > 15, log.read_text()
    return points


def judge(certd, store, before, where):
    """After the death: whole on the disk; after a start: healthy without anybody, and nothing went backwards."""
    store.look(after_start=False)
    check_key(certd.live(WEB))
    certd.start()
    settle(certd)
    store.look(after_start=True)
    store.nothing_lost()
    now_current = current(certd, WEB)
    assert served(certd, WEB) == now_current, where
    assert now_current in (before["curr"], before["next"]), where
    assert end_of(read_cert(certd.live(WEB) / "cert.pem")) > now()
    openssl_verify(certd.live(WEB), certd.store("ca/root") / "curr/cert.pem")
    assert not list((certd.dir / "state/quarantine").glob("*/*")), where
    assert [path.name for path in certd.live(WEB).parent.iterdir()] == ["curr"], where


def prepare(certd, work):
    """Issues begin without a next version, rolls with one."""
    if work == "renew" and certd.status()[WEB]["next"]:
        assert certd.certctl("roll", WEB, "--force", "--wait").status == 0
    elif work == "roll" and not certd.status()[WEB]["next"]:
        assert certd.certctl("renew", WEB, "--force", "--wait").status == 0
    settle(certd)
    following = certd.store(WEB) / "next/cert.pem"
    return {"curr": current(certd, WEB), "next": read_cert(following).serial_number if following.exists() else None}


@pytest.mark.parametrize("work", list(WORKS))
def test_killed_at_a_change(place, chance, work):
    certd, store = Instance(place, CONFIG, env={"ASAN_OPTIONS": "detect_leaks=0"}).start(), Store(place / "state")
    try:
        settle(certd)
        prepare(certd, work)
        points = list_points(certd, work)
        chosen = points[chance.randrange(STEP)::STEP]
        print(f"{work}: {len(points)} points, {len(chosen)} of them")
        deaths = 0
        for name, n in chosen:
            before, where = prepare(certd, work), f"{work}: killed at {name} {n}"
            engine = certd.engine_pid()
            tracer = Tracer(certd, "-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={n}")
            do(certd, work)
            # A run may need a call less than the one that was counted; then there is nothing to judge.
            if survived(certd):
                tracer.close()
                continue
            deaths += 1
            tracer.process.communicate(timeout=30)
            certd.wait_dead(engine)
            judge(certd, store, before, where)
        assert deaths >= len(chosen) // 2, f"{deaths} deaths at {len(chosen)} points"
        certd.check_sanitizers()
    finally:
        if certd.keeper:
            certd.stop()
