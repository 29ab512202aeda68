# SPDX-License-Identifier: MIT
"""The transcripts of proto/protocol.md, held against a daemon: what is asked there gets an answer of that shape."""
import pathlib
import re
import shlex
import socket

from instance import until

PAGE = pathlib.Path(__file__).parents[2] / "proto/protocol.md"
CONFIG = """
defaults: {key: "ec:secp256r1", roll: {min_age: 1s}}
cas: {my-int: {type: local, issuer: ca/my-int, lifetime: 90d}}
groups:
  ca: {my-int: {ca: self, lifetime: 10y}}
  example.com:
    web-ec: {ca: my-int, names: [example.com]}
"""


def transcripts():
    """Of each block that has requests: [(request, [lines of the answer])]; the server's first word is the request ""."""
    for block in re.findall(r"```\n(.*?)```", PAGE.read_text(), re.S):
        lines = block.splitlines()
        if not all(line[:2] in ("> ", "< ") for line in lines):
            continue
        asked = []
        for line in lines:
            if line[0] == ">":
                asked.append((line[2:], []))
            else:
                asked = asked or [("", [])]
                asked[-1][1].append(line[2:])
        yield asked


def words(line):
    """The first word of a line, its further plain words, and its keys with their values."""
    first, *rest = shlex.split(line)
    keys = dict(word.split("=", 1) for word in rest if re.match(r"[a-z_.-]+=", word))
    return first, [word for word in rest if not re.match(r"[a-z_.-]+=", word)], keys


class Peer:
    """A connection, typed by hand."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("r", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def read(self):
        return self.file.readline().rstrip("\n")

    def ask(self, request):
        """All lines of the answer, the last one is ok or err."""
        self.socket.sendall(request.encode() + b"\n")
        lines = []
        while not lines or lines[-1].split(" ")[0] not in ("ok", "err"):
            lines.append(self.read())
            assert lines[-1], f"nothing more is said to {request}: {lines}"
        return lines


def check_shape(said, printed):
    """The same first word and error code, and every key that is printed; more keys may be there."""
    first, plain, keys = words(said)
    wanted, wanted_plain, wanted_keys = words(printed)
    assert first == wanted, (said, printed)
    assert len(plain) == len(wanted_plain), (said, printed)
    assert wanted != "err" or plain[0] == wanted_plain[0], (said, printed)
    assert set(wanted_keys) <= set(keys), (said, printed)
    times = {key for key, value in wanted_keys.items() if re.fullmatch(r"\d{4}-.*Z", value)}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|never", keys[key]) for key in times), (said, printed)


def check_events(peer, printed):
    """Each event that is printed comes, in that order, with those keys; others come between."""
    for line in printed:
        name = words(line)[2]["name"]
        while True:
            said = peer.read()
            assert said, f"{name} did not come"
            if words(said)[2]["name"] == name:
                check_shape(said, line)
                break


def check_request(path, request, printed):
    with Peer(path) as peer:
        peer.read()
        said = peer.ask(request)
        answer = [line for line in printed if words(line)[0] != "event"]
        assert len(said) == len(answer), (request, said)
        for ours, theirs in zip(said, answer):
            check_shape(ours, theirs)
        check_events(peer, printed[len(answer):])
    return words(said[-1])[2]


def test_transcripts(run, place):
    certd = run(CONFIG)
    certd.wait_healthy(60)
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    path, job, done = place / "control.sock", None, []
    for asked in transcripts():
        for request, printed in asked:
            if request == "":
                with Peer(path) as peer:
                    check_shape(peer.read(), printed[0])
            else:
                # Refusals that need another peer or another moment have tests of their own; these depend on nothing.
                code = words(printed[-1])[1][:1]
                if code and code[0] in ("too-early", "not-allowed"):
                    continue
                keys = check_request(path, re.sub(r"job=17\b", f"job={job}", request), printed)
                job = keys.get("job", job)
            done.append(request.split(" ")[0])
    assert done == ["", "status", "nonsense", "renew", "watch", "why", "plan"]
