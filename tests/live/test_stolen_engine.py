# SPDX-License-Identifier: MIT
"""The keeper against an engine that somebody else has taken over.

The test holds the engine's end of the socket pair and sends what it likes.  The keeper may refuse, or end when the
rules are broken; it must not give away keys, speak to systemd in the engine's words, grow, or lose descriptors.
"""
import array
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

import pytest

BUILD = pathlib.Path(os.environ.get("CERTD_BUILD", "build")).absolute()
RELAY = pathlib.Path(__file__).with_name("stolen_engine.py")

CONFIG = """
state_dir: {home}/state
user: {user}
control: {{socket: {home}/control.sock}}
cas:
  own: {{type: local, issuer: ca/root, lifetime: 30d}}
  le: {{type: acme, directory: "https://ca.example/directory", terms_agreed: true}}
groups:
  ca:
    root: {{ca: self, subject: {{CN: Root}}, lifetime: 3650d}}
  example.com:
    web: {{ca: own, names: [www.example.com], key: ec:secp256r1, deploy: [web]}}
    mail: {{ca: own, names: [mail.example.com], key: ec:secp256r1, deploy: [mail, slow, counted]}}
targets:
  web: {{dir: {home}/web}}
  mail: {{dir: {home}/mail}}
  slow: {{dir: {home}/slow, check: [sleep, "60"]}}
  counted:
    dir: {home}/counted
    check: [sh, -c, "echo >>{home}/ran-check"]
    after_copy: [sh, -c, "echo >>{home}/ran-after"]
    reload: {{command: [sh, -c, "echo >>{home}/ran-activate"]}}
hooks: {{after_roll: [sh, -c, "echo >>{home}/ran-hook"]}}
"""


class Stolen:
    """A keeper whose engine is the test."""

    def __init__(self, home, **environment):
        self.home = home
        (home / "certd.yaml").write_text(CONFIG.format(home=home, user=os.environ.get("USER") or "root"))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(home / "relay"))
        listener.listen(1)
        listener.settimeout(20)
        self.log = open(home / "log", "w+", encoding="utf-8", errors="replace")
        self.keeper = subprocess.Popen(
            [BUILD / "daemon/keeper/certd", "-c", home / "certd.yaml"], stdout=self.log, stderr=self.log,
            env=dict(os.environ, CERTD_ENGINE=str(RELAY), STOLEN_ENGINE=str(home / "relay"), **environment))
        self.relay = listener.accept()[0]
        listener.close()
        data, fds, _, _ = socket.recv_fds(self.relay, 1 << 16, 2)
        self.environment = json.loads(data)
        self.pair = socket.socket(fileno=fds[0])
        os.close(fds[1])
        self.pair.settimeout(10)
        self.number = 0
        assert self.hear().startswith("note config")

    def close(self):
        self.pair.close()
        self.relay.close()
        try:
            self.keeper.wait(20)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
            raise
        finally:
            self.log.close()

    def send(self, text):
        self.pair.send(text if isinstance(text, bytes) else text.encode())

    def hear(self):
        data, fds, _, _ = socket.recv_fds(self.pair, 1 << 18, 1)
        for fd in fds:
            os.close(fd)
        return data.decode()

    def ask(self, words):
        """One request and its answer."""
        self.number += 1
        self.send(f"ask {self.number} {words}")
        while True:
            answer = self.hear()
            if not answer or answer.split()[1] == str(self.number):
                return answer

    def is_alive(self):
        return self.keeper.poll() is None

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.keeper.pid}/fd"))

    def memory(self):
        """KiB."""
        status = pathlib.Path(f"/proc/{self.keeper.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def said(self):
        self.log.flush()
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")


@pytest.fixture(name="stolen")
def make_stolen():
    home = pathlib.Path(tempfile.mkdtemp(prefix="certd-stolen-"))
    stolen = Stolen(home)
    yield stolen
    said = stolen.said()
    stolen.close()
    shutil.rmtree(home)
    assert "Sanitizer" not in said and "runtime error" not in said and "Assertion" not in said, said


def issue(stolen, cert):
    assert stolen.ask(f"issue cert={cert}").startswith("ok ")
    assert stolen.ask(f"roll cert={cert}").startswith("ok ")


def test_a_key_goes_to_its_own_targets_only(stolen):
    issue(stolen, "ca/root")
    issue(stolen, "example.com/mail")
    assert stolen.ask("copy cert=example.com/mail target=mail").startswith("ok ")
    for words in ("copy", "restore", "settle", "confirm", "after", "check", "activate", "fail"):
        for cert in ("example.com/mail", "ca/root"):
            assert stolen.ask(f"{words} cert={cert} target=web").startswith("err ")
    assert not (stolen.home / "web").exists()


def test_descriptors_that_are_sent_are_not_kept(stolen):
    before = stolen.n_fds()
    null = os.open("/dev/null", os.O_RDONLY)
    for n in (1, 2, 3):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * n))]
        for _ in range(20):
            try:
                stolen.pair.sendmsg([b"ask 0 alive"], rights)
            except OSError:
                break
    os.close(null)
    deadline = time.monotonic() + 5
    while stolen.is_alive() and stolen.n_fds() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not stolen.is_alive() or stolen.n_fds() <= before


def test_the_engine_does_not_speak_to_systemd():
    home = pathlib.Path(tempfile.mkdtemp(prefix="certd-stolen-"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(home / "notify"))
        systemd.settimeout(5)
        stolen = Stolen(home, NOTIFY_SOCKET=str(home / "notify"), CREDENTIALS_DIRECTORY="/nowhere")
        assert "NOTIFY_SOCKET" not in stolen.environment
        assert "CREDENTIALS_DIRECTORY" not in stolen.environment
        stolen.ask(r'alive status="fine\nMAINPID=1\nEXTEND_TIMEOUT_USEC=999999999999"')
        stolen.ask("alive status=end")
        told = []
        while "STATUS=end" not in told:
            told += systemd.recv(65536).decode().split("\n")
        stolen.close()
    assert not [line for line in told if line.startswith(("MAINPID", "EXTEND"))]
    shutil.rmtree(home)


def test_who_asks_and_never_listens_fills_nothing(stolen):
    """Answers wait for the engine, but not without end, and neither do the descriptors in them."""
    before, n = stolen.n_fds(), 0
    stolen.pair.settimeout(1)
    try:
        for n in range(20000):
            stolen.send(f"ask {n + 1} facts")
    except (TimeoutError, OSError):
        pass
    assert n < 19999
    assert stolen.is_alive()
    assert stolen.n_fds() < before + 10
    # Nor are they in the socket, where each would hold the facts of all certificates in memory.
    os.kill(stolen.keeper.pid, signal.SIGSTOP)
    while "T (stopped)" not in pathlib.Path(f"/proc/{stolen.keeper.pid}/status").read_text(encoding="ascii"):
        time.sleep(0.01)
    stolen.pair.setblocking(False)
    in_flight, answers = 0, []
    while True:
        try:
            data, fds, _, _ = socket.recv_fds(stolen.pair, 1 << 18, 1)
        except BlockingIOError:
            break
        in_flight += len(fds)
        answers.append(data.split()[1])
        for fd in fds:
            os.close(fd)
    assert in_flight == 1
    # Who reads again gets all of them, in order.
    os.kill(stolen.keeper.pid, signal.SIGCONT)
    stolen.pair.settimeout(10)
    while len(answers) < n:
        answers.append(stolen.hear().split()[1].encode())
    assert answers == [str(i + 1).encode() for i in range(n)]


def test_a_thousand_commands_at_once_are_too_many(stolen):
    issue(stolen, "ca/root")
    issue(stolen, "example.com/mail")
    mine, n_processes = stolen.keeper.pid, 0
    stolen.pair.settimeout(0.2)
    try:
        for n in range(3000):
            stolen.send(f"ask {n + 1000} check cert=example.com/mail target=slow")
    except (TimeoutError, OSError):
        pass
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            n_processes += int(stat.read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()[1]) == mine
        except OSError:
            pass
    assert n_processes < 600


@pytest.mark.parametrize("words", [
    'fail cert=example.com/web code=internal text="{}" tries=1',
    'fail cert=example.com/web target=web code=internal text="{}" tries=4294967295',
    "prune cert=example.com/web keep={}", "hook cert=example.com/web hook={}", "issue cert=example.com/web reuse={}",
    "issue cert={}", "copy cert=example.com/web target={}", "alive status={}", "facts x={}",
])
def test_no_word_is_too_long(stolen, words):
    for size in (100, 8000, 60000, 130000):
        for text in ("x" * size, "\u20ac" * (size // 3), r"\x01" * (size // 4)):
            try:
                stolen.send("ask 0 " + words.format(text))
            except OSError:
                break
    stolen.pair.settimeout(5)
    try:
        assert stolen.ask("versions cert=example.com/web")
    except (OSError, IndexError):
        pass
    time.sleep(0.2)
    assert stolen.keeper.poll() in (None, 1)


def test_nothing_is_served_after_the_rules_are_broken(stolen):
    os.kill(stolen.keeper.pid, signal.SIGSTOP)
    for text in (b"ask 1 nonsense", b"ask 2 issue cert=ca/root", b"ask 3 roll cert=ca/root"):
        stolen.send(text)
    os.kill(stolen.keeper.pid, signal.SIGCONT)
    stolen.relay.close()
    assert stolen.keeper.wait(20) == 1
    assert not (stolen.home / "state/certs/ca/root/versions").exists()
    assert stolen.said().count("broke the rules") == 1


DEPLOY = ("copy", "check", "settle", "activate", "confirm")


def revoke(stolen, cert, version):
    """What the CA would be sent to revoke a version, signed with the certificate's own key."""
    return stolen.ask(f"sign ca=le op=revoke url=https://ca.example/revoke nonce=abc cert={cert} "
                      f"version={version} with=cert-key")


def steps(stolen, cert, target, words):
    return {word: stolen.ask(f"{word} cert={cert} target={target}").split()[0] for word in words}


def current(stolen, cert):
    return re.search(r"\nversion=(\S+) link=curr", stolen.ask(f"versions cert={cert}"))[1]


# What a stolen engine asks for instead of a whole deploy, while the server has the first version.
@pytest.mark.parametrize("words", [
    ("copy", "restore", "confirm"),
    ("copy", "confirm"),
    ("copy", "settle", "confirm"),
    ("copy", "check", "settle", "confirm"),
    ("copy", "activate", "restore", "confirm"),
    ("activate", "check", "copy", "confirm"),
    ("copy", "check", "settle", "activate", "restore", "copy", "confirm"),
    ("confirm",),
], ids="-".join)
def test_what_a_server_may_still_serve_is_not_revoked(stolen, words):
    """The facts a refusal depends on are the keeper's own acts, in whatever order it is asked for them."""
    cert = "example.com/web"
    issue(stolen, "ca/root")
    issue(stolen, cert)
    old = current(stolen, cert)
    assert set(steps(stolen, cert, "web", DEPLOY).values()) == {"ok"}
    issue(stolen, cert)
    answers = steps(stolen, cert, "web", words)
    assert answers["confirm"] == "err", answers
    assert revoke(stolen, cert, old).startswith("err "), words
    issue(stolen, cert)
    assert steps(stolen, cert, "web", ["copy"])["copy"] == "ok"
    assert revoke(stolen, cert, old).startswith("err "), words
    # Once the server has read another version, for all the keeper knows, the old one may go.
    assert set(steps(stolen, cert, "web", DEPLOY).values()) == {"ok"}
    assert revoke(stolen, cert, old).startswith("ok ")


def test_what_was_copied_between_two_confirmations_may_be_served(stolen):
    cert = "example.com/web"
    issue(stolen, "ca/root")
    versions = []
    for words in (DEPLOY, ("copy", "check", "settle", "activate"), ("copy",)):
        issue(stolen, cert)
        versions.append(current(stolen, cert))
        steps(stolen, cert, "web", words)
    for version in versions:
        assert revoke(stolen, cert, version).startswith("err ")


def test_a_restore_is_a_fact(stolen):
    cert = "example.com/web"
    issue(stolen, "ca/root")
    issue(stolen, cert)
    old = current(stolen, cert)
    steps(stolen, cert, "web", DEPLOY)
    issue(stolen, cert)
    assert steps(stolen, cert, "web", ("copy", "restore"))["restore"] == "ok"
    assert f"copied={old}" in (stolen.home / "state/facts/example.com/web").read_text(encoding="ascii")


# What a stolen engine asks for, so that the keeper takes a directory of others for its own.
@pytest.mark.parametrize("words", [
    ("settle", "copy", "settle"),
    ("copy", "restore", "settle", "copy", "settle"),
    ("copy", "check", "activate", "confirm", "settle"),
], ids="-".join)
def test_what_lay_there_before_is_never_removed(stolen, words):
    cert = "example.com/web"
    own = stolen.home / "web" / cert / "curr"
    own.mkdir(parents=True)
    (own / "own.key").write_text("precious")
    issue(stolen, "ca/root")
    issue(stolen, cert)
    for word in words:
        stolen.ask(f"{word} cert={cert} target=web")
    assert [path.read_text() for path in own.parent.rglob("own.key")] == ["precious"], words


def ask_on(stolen):
    """Asks until the keeper hears no more; False when it still does after seconds."""
    end = time.monotonic() + 5
    try:
        while time.monotonic() < end:
            stolen.send("ask 1 fail cert=ca/root")
    except ConnectionError:
        return True
    return False


def test_children_of_an_engine_that_has_ended_are_not_heard(stolen):
    """The keeper reads what was sent before the end, and no more, or it would read, and keep answers, without an end."""
    issue(stolen, "ca/root")
    children = []
    for _ in range(6):
        children.append(os.fork())
        if children[-1] == 0:
            stolen.relay.close()
            os._exit(0 if ask_on(stolen) else 1)
    stolen.relay.close()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert stolen.keeper.wait(20) == 1


def sent_until_deaf(stolen, words):
    """Sends without reading, until the keeper does not take it; how many it took."""
    for n in range(100000):
        stolen.send(words)
        end = time.monotonic() + 0.5
        while struct.unpack("i", fcntl.ioctl(stolen.pair, termios.TIOCOUTQ, b"0000"))[0] > 0:
            if time.monotonic() > end:
                return n
    return None


def test_answers_with_descriptors_do_not_pile_up(stolen):
    """Each may stand for megabytes, also when it waits behind answers that have none."""
    issue(stolen, "ca/root")
    words = "ask 7 versions cert=ca/root"
    n = sent_until_deaf(stolen, words)
    for _ in range(n + 1):
        assert stolen.hear().startswith("ok 7")
    before = stolen.n_fds()
    for _ in range(n - 32):
        stolen.send(words)
    sent_until_deaf(stolen, "ask 8 facts")
    assert stolen.n_fds() <= before + 4
    for _ in range(n - 32):
        assert stolen.hear().startswith("ok 7")
    assert stolen.hear().startswith("ok 8")


def test_what_waits_is_not_repeated_without_an_end(stolen):
    """Each time may run a command of the configuration that has failed before."""
    answers = [stolen.ask("retry") for _ in range(100)]
    assert answers[0].startswith("ok ")
    assert "rate-limited" in answers[-1] and sum(answer.startswith("ok ") for answer in answers) < 50


@pytest.mark.parametrize("word", ["check", "after", "activate", "hook"])
def test_what_runs_programs_has_a_pace(stolen, word):
    """As often as an honest engine could want it, then once a second; what comes earlier waits, up to a bound."""
    issue(stolen, "ca/root")
    issue(stolen, "example.com/mail")
    assert steps(stolen, "example.com/mail", "counted", ["copy"])["copy"] == "ok"
    what = "hook=after_roll" if word == "hook" else "target=counted"
    log = stolen.home / f"ran-{word}"
    began = time.monotonic()
    for _ in range(200):
        stolen.send(f"ask 0 {word} cert=example.com/mail {what}")
    assert "rate-limited" in stolen.ask(f"{word} cert=example.com/mail {what}")
    ran = 0
    while ran < 20 + 4 * 3 + 2:  # the burst, and two that waited for their turn
        ran = len(log.read_text(encoding="ascii").splitlines()) if log.exists() else 0
        assert time.monotonic() - began < 60
    # Three certificates are configured.
    assert ran <= 20 + 4 * 3 + (time.monotonic() - began) * (60 + 3) / 60 + 1
    assert stolen.is_alive()


def test_the_ledger_of_a_ca_has_a_pace(stolen):
    """What an honest engine writes for all certificates at once is written at once; the rest waits for its turn."""
    stolen.pair.settimeout(1)
    began, n = time.monotonic(), 0
    try:
        for n in range(2000):
            stolen.send(f"ask 0 record ca=le what=order id=flood{n}")
    except (TimeoutError, OSError):
        pass
    stolen.pair.settimeout(10)
    assert stolen.ask("versions cert=ca/root")
    path = stolen.home / "state/accounts/le/ledger"
    most = 50 + 4 * 3 + (time.monotonic() - began) * 5 + 1
    lines = path.read_text(encoding="ascii").splitlines()
    assert 62 <= len(lines) <= most
    # One more is not refused: it is answered when it has been written.
    before = len(lines)
    while len(path.read_text(encoding="ascii").splitlines()) == before:
        time.sleep(0.05)
    assert stolen.is_alive()
