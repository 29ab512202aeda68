# SPDX-License-Identifier: MIT
"""Who may do what, what the engine may do at all, and what a peer of bad will achieves."""
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest
from instance import as_user, process_status, rss_kib, until

CONFIG = """
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], key: ed25519, deploy: [web]}
targets:
  web: {dir: "{dir}/live"}
"""
# Users without a name in /etc/passwd would do for the kernel, but the configuration wants names.
RIGHTS = {"observe": ["@daemon", "sync"], "operate": ["@mail", "games"], "admin": ["root", "backup"]}
USERS = {  # uid, gid, supplementary groups
    "observe": [(4, 65534, ()), (12345, 1, ()), (12345, 65534, (1,))],
    "operate": [(5, 60, ()), (12345, 8, ()), (12345, 65534, (8, 1))],
    "admin": [(34, 34, ()), (0, 0, ())],
    "none": [(12345, 12345, ()), (65534, 65534, ())],
}
NEEDS = {"observe": [("status",), ("jobs",), ("why", "example.com/web"), ("metrics",), ("versions", "example.com/web")],
         "operate": [("renew", "example.com/web", "--force", "--wait"), ("roll", "--force", "--wait"),
                     ("deploy",)],
         "admin": [("reload",), ("prune",)]}
LEVELS = ["none", "observe", "operate", "admin"]


def connect(certd):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(20)
    peer.connect(str(certd.dir / "control.sock"))
    return peer


def read_line(peer):
    line = b""
    while not line.endswith(b"\n"):
        part = peer.recv(1)
        assert part, f"the daemon hung up after {line}"
        line += part
    return line.decode()


def test_roles_come_from_the_kernel(run):
    certd = run(CONFIG, rights=RIGHTS)
    certd.wait_healthy()
    for role, users in USERS.items():
        for user in users:
            for needed, commands in NEEDS.items():
                may = LEVELS.index(role) >= LEVELS.index(needed)
                for command in commands if user == users[0] else commands[:1]:
                    answer = certd.certctl(*command, user=user)
                    assert answer.status == (0 if may else 4), f"{role} {user} {command}: {answer}"
                    assert may or "role" in answer.err or "may" in answer.err, answer


def test_the_greeting_names_the_role(run):
    certd = run(CONFIG, rights=RIGHTS)
    for role, users in USERS.items():
        for uid, gid, groups in users:
            done = subprocess.run([*as_user(uid, gid, groups), sys.executable, "-c",
                                   "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                                   "print(s.recv(200).decode(), end='')", str(certd.dir / "control.sock")],
                                  capture_output=True, text=True, check=True, cwd="/")
            assert f" role={role}" in done.stdout and done.stdout.startswith("hello certd proto=1 "), done.stdout


def test_the_engine_is_locked_in(run):
    certd = run(CONFIG)
    certd.wait_healthy()
    status = process_status(certd.engine_pid())
    nobody = {"65534"}
    assert set(status["Uid"].split()) == nobody and set(status["Gid"].split()) == nobody
    assert not status["Groups"].split()
    assert all(int(status[cap], 16) == 0 for cap in ("CapInh", "CapPrm", "CapEff", "CapAmb"))
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert "locked in: no-new-privs no-caps" in certd.log() and "seccomp" in certd.log()
    assert set(process_status(certd.keeper_pid())["Uid"].split()) == {"0"}
    keys = list((certd.dir / "state").rglob("privkey.pem")) + list((certd.dir / "live").rglob("privkey.pem"))
    assert len(keys) >= 3
    for path in [*keys, certd.dir / "state" / "facts"]:
        done = subprocess.run([*as_user(65534, 65534), "cat" if path.is_file() else "ls", str(path)],
                              capture_output=True, check=False, cwd="/")
        assert done.returncode != 0, f"{path} is open to the engine's user"
    for fd in pathlib.Path(f"/proc/{certd.engine_pid()}/fd").iterdir():
        assert "/state" not in str(fd.readlink()) and "live" not in fd.readlink().name, fd.readlink()


class Patience(threading.Thread):
    """An honest client that asks on and on; `worst` is how long it had to wait."""

    def __init__(self, certd):
        super().__init__(daemon=True)
        self.certd, self.worst, self.count, self.stopped = certd, 0.0, 0, threading.Event()

    def run(self):
        peer = connect(self.certd)
        read_line(peer)
        while not self.stopped.wait(0.02):
            begin = time.monotonic()
            peer.sendall(b"status example.com/web\n")
            assert read_line(peer).startswith("row ") and read_line(peer).startswith("ok")
            self.worst = max(self.worst, time.monotonic() - begin)
            self.count += 1
        peer.close()

    def finish(self):
        mark = self.count
        until(lambda: self.count > mark + 5, 20, "the honest client is not heard any more")
        self.stopped.set()
        self.join(30)
        assert self.worst < 1, f"one of {self.count} answers came after {self.worst:.2f} s"


@pytest.fixture(name="harassed")
def make_harassed(run):
    """A daemon with an honest client; neither may suffer from what the test does to it."""
    certd = run(CONFIG, env={"ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"})
    certd.wait_healthy()
    engine, before = certd.engine_pid(), rss_kib(certd.engine_pid())
    honest = Patience(certd)
    honest.start()
    until(lambda: honest.count > 5, 10, "the honest client is not heard")
    yield certd
    honest.finish()
    assert certd.engine_pid() == engine
    assert rss_kib(engine) < before + 32 * 1024, f"{before} KiB became {rss_kib(engine)}"
    assert certd.certctl("status").status == 0


def test_a_client_that_does_not_read(harassed):
    """It asks for more than any buffer holds and takes nothing."""
    peer = connect(harassed)
    peer.setblocking(False)
    sent = 0
    try:
        for _ in range(20000):
            sent += peer.send(b"help\nstatus\nmetrics\n" * 20)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    assert sent < 4 << 20, f"{sent} bytes were read ahead"
    time.sleep(1)
    peer.close()


def test_a_watcher_that_does_not_read(harassed):
    peers = [connect(harassed) for _ in range(4)]
    for peer in peers:
        peer.sendall(b"watch since=1\n")
    for _ in range(3):
        harassed.ok("renew", "--force", "--wait")
    for peer in peers:
        peer.close()


def test_two_hundred_idle_connections(harassed):
    """Of one ordinary user: they fill that user's share and nobody else's."""
    crowd = subprocess.Popen([*as_user(12345, 12345), sys.executable, "-c", """if True:
        import socket, sys
        peers = []
        for _ in range(200):
            peers.append(socket.socket(socket.AF_UNIX))
            peers[-1].setblocking(False)
            try:
                peers[-1].connect(sys.argv[1])
            except BlockingIOError:
                pass
        print('ready', flush=True)
        sys.stdin.read()
        """, str(harassed.dir / "control.sock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    try:
        assert crowd.stdout.readline() == b"ready\n"
        for _ in range(5):
            assert harassed.certctl("status").status == 0
        assert harassed.certctl("jobs", user=(12346, 12346, ())).status == 4
    finally:
        crowd.communicate(b"")


@pytest.mark.parametrize("sent", [bytes(range(256)) * 64, b"\0" * 4096 + b"\n", b"a" * (1 << 20) + b"\n",
                                  b'status "' * 1000 + b"\n", b"\n" * 10000, b"\xff\xfe\xc0\x80\n" * 100,
                                  b"renew " + b"x=1 " * 4000 + b"\n"],
                         ids=["every byte", "nul", "a mebibyte", "quotes", "nothing", "not utf-8", "words"])
def test_garbage(harassed, sent):
    """... is answered in words, and the connection still serves."""
    peer = connect(harassed)
    read_line(peer)

    def pour():
        peer.sendall(sent + b"\njobs\nversion\n")
    pouring = threading.Thread(target=pour, daemon=True)
    pouring.start()
    answers = []
    while "version=" not in (answers or [""])[-1] or not answers[-1].startswith("row"):
        answers.append(read_line(peer))
        assert answers[-1].split(" ")[0] in ("ok", "err", "row"), answers[-1]
    assert sent == b"\n" * 10000 or any(line.startswith("err bad-line") or line.startswith("err unknown-command")
                                       or line.startswith("err bad-argument") for line in answers), answers[:5]
    pouring.join(10)
    peer.close()


def test_half_a_line_forever(harassed):
    """Peers that begin a line and stall cost their place only."""
    peers = [connect(harassed) for _ in range(20)]
    for peer in peers:
        peer.sendall(b"stat")
    assert harassed.certctl("status").status == 0
    for peer in peers:
        peer.close()
