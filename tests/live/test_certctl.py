# SPDX-License-Identifier: MIT
"""certctl, the real one, against a daemon that answers well, badly, slowly or not at all."""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fakedaemon import FakeDaemon, answers  # noqa: E402

BUILD = os.environ.get("CERTD_BUILD", "build")
CERTCTL = os.path.abspath(os.path.join(BUILD, "client", "certctl"))
ROW = ('row cert=example.com/web ca=my-int health=%s curr=20261121T090000Z-1 '
       'curr_expires=2126-12-21T10:00:00Z action=sleep at=2126-12-01T10:00:00Z why=window '
       'reason="the renewal moment has not come"\n')
OK_ROW = ROW % "ok" + "ok rows=1\n"


def run(*args, socket="/nonexistent/certd.sock", env=None, **kw):
    return subprocess.run([CERTCTL, "-s", socket, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, env={**os.environ, **(env or {})}, check=False, **kw)


def ask(answer, *args, hello=None, **kw):
    """certctl's end, and the requests that it sent."""
    script = answer if callable(answer) else answers(answer)
    with FakeDaemon(script, **({} if hello is None else {"hello": hello})) as daemon:
        return run(*args, socket=daemon.path, **kw), daemon.requests


def on_terminal(*args, columns=100, env=None):
    """Standard output as a terminal of this width saw it, and the exit status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    environ.update(TERM="xterm", TZ="UTC", **(env or {}))
    child = subprocess.Popen([CERTCTL, *args], stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environ)
    os.close(slave)
    out = b""
    while select.select([master], [], [], 60)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(master)
    child.stderr.close()
    return out.decode().replace("\r\n", "\n"), child.wait(60)


@pytest.fixture(name="files")
def make_files(tmp_path):
    """A root and a leaf of it."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=tmp_path, check=True, capture_output=True)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9")
    openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root")
    openssl("req", "-x509", *new, "-keyout", "leaf.key", "-out", "leaf.pem", "-subj", "/CN=leaf.example.com",
            "-CA", "root.pem", "-CAkey", "root.key", "-addext", "basicConstraints=critical,CA:false",
            "-addext", "subjectAltName=DNS:leaf.example.com")
    return tmp_path


def test_verify_tells_that_an_issuer_is_missing(files):
    for names, missing in ((["leaf.pem", "root.pem"], False), (["leaf.pem"], True), (["root.pem"], False)):
        done = run("--json", "verify", *names, cwd=files)
        [told] = json.loads(done.stdout)
        assert (told["ok"], told["problems"], told["issuer_missing"]) == (True, [], missing), done
        assert done.returncode == 0
        plain = run("verify", *names, cwd=files).stdout
        assert ("without an issuer" in plain or "issuer is not here" in plain) == missing, plain


def test_status_on_a_pipe():
    done, requests = ask(OK_ROW, "status", "example.com/*")
    assert done.returncode == 0 and requests == ["status example.com/*"]
    assert done.stdout.splitlines()[0].split()[:2] == ["certificate", "health"]
    assert "2126-12-21T10:00:00Z" in done.stdout and "the renewal moment has not come" in done.stdout
    assert "\x1b" not in done.stdout and done.stderr == ""


def test_status_as_json():
    done, _ = ask(OK_ROW, "--json", "status")
    [row] = json.loads(done.stdout)
    assert row["cert"] == "example.com/web" and row["next"] is None and row["tries"] is None
    assert list(row) == ["cert", "ca", "health", "curr", "curr_expires", "next", "next_expires", "prev", "action",
                         "at", "why", "reason", "error", "error_text", "tries"]
    done, _ = ask("ok rows=0\n", "--json", "status")
    assert json.loads(done.stdout) == []


def test_status_on_a_terminal():
    with FakeDaemon(answers(OK_ROW)) as daemon:
        for columns in (60, 80, 100, 200):
            out, status = on_terminal("-s", daemon.path, "status", columns=columns)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
            assert status == 0 and "\x1b[32mok\x1b[0m" in out
            assert max(map(len, plain.splitlines())) <= columns
            assert re.search(r"in \d+y|in \d+[wd]", plain)
        for how in (("--no-color",), ()):
            out, _ = on_terminal("-s", daemon.path, *how, "status", env={} if how else {"NO_COLOR": "1"})
            assert "\x1b" not in out and "example.com/web" in out


@pytest.mark.parametrize("health,named,status", [
    ("ok", 1, 0), ("waiting", 1, 0), ("failing", 1, 1), ("expired", 1, 1), ("failing", 0, 1), ("expired", 0, 1), ("ok", 0, 0)])
def test_status_tells_health(health, named, status):
    done, _ = ask(ROW % health + "ok\n", "status", *["example.com/web"] * named)
    assert done.returncode == status


@pytest.mark.parametrize("code,status", [
    ("no-such-cert", 5), ("not-allowed", 4), ("too-early", 6), ("not-announced", 6), ("rate-limited", 6), ("busy", 6),
    ("no-next", 1), ("io", 1), ("bad-argument", 2), ("unknown-command", 2), ("code-of-the-future", 1)])
def test_error_codes_become_exit_statuses(code, status):
    done, _ = ask(f'err {code} "the sentence stands here"\n', "roll", "a/b")
    assert done.returncode == status and "the sentence stands here" in done.stderr and done.stdout == ""
    done, _ = ask(f'err {code} "the sentence stands here"\n', "--json", "roll", "a/b")
    assert done.returncode == status and "the sentence stands here" in json.loads(done.stdout)["text"]


def test_guard_says_until_when():
    done, _ = ask('err too-early "it is too early" until=2126-01-01T00:00:00Z\n', "roll", "a/b")
    assert done.returncode == 6 and "2126-01-01T00:00:00Z" in done.stderr


def test_rows_before_an_error_are_shown():
    done, _ = ask('row text="certd.yaml:3:5: error: x"\nerr bad-config "the configuration has mistakes"\n', "reload")
    assert done.returncode == 1 and done.stdout == "certd.yaml:3:5: error: x\n" and "mistakes" in done.stderr


@pytest.mark.parametrize("args,says", [
    (["statsu"], "did you mean status?"), ([], "no command"), (["show"], "too few arguments"),
    (["renew", "--froce"], "did you mean --force?"), (["--jsno"], "did you mean --json?"), (["jobs", "x"], "too many"),
    (["config", "x"], "there is no command config x"), (["help", "rol"], "did you mean roll?")])
def test_usage(args, says):
    done = run(*args)
    assert done.returncode == 2 and says in done.stderr and done.stdout == ""


def test_no_daemon():
    done = run("status")
    assert done.returncode == 3 and "/nonexistent/certd.sock" in done.stderr and "is certd running?" in done.stderr
    done = run("status", socket="/" + "x" * 200)
    assert done.returncode == 3 and "too long" in done.stderr
    done = run("--json", "status")
    assert done.returncode == 3 and json.loads(done.stdout)["error"] == "no-daemon"


def test_socket_from_the_environment():
    with FakeDaemon(answers(OK_ROW)) as daemon:
        done = subprocess.run([CERTCTL, "status"], env={**os.environ, "CERTD_SOCKET": daemon.path},
                              capture_output=True, timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("hello,says", [
    (b"hello certd proto=2 version=3.0 role=admin\n", "protocol 2"), (b"220 mail.example.com ESMTP\n", "not certd"),
    (b"hello other proto=1 version=1\n", "not certd"), (b'err busy "too many clients"\n', "too many clients"),
    (b"\x00\xff\xfe\n", "malformed line"), (b"x" * 100000 + b"\n", "bytes"), (b"hello certd pro", "closed")])
def test_bad_greetings(hello, says):
    done, _ = ask(lambda daemon, peer: None, "status", hello=hello)
    assert done.returncode == 3 and says in done.stderr, done.stderr


def test_a_daemon_that_never_greets():
    with FakeDaemon(lambda daemon, peer: peer.read(), hello=b"") as daemon:
        done = run("status", socket=daemon.path)
    assert done.returncode == 3 and "did not greet within" in done.stderr


@pytest.mark.parametrize("answer,says", [
    (ROW % "ok", "closed the connection"), (ROW % "ok" + "row cert=", "closed the connection"), ("", "closed the")])
def test_a_daemon_that_dies(answer, says):
    def script(daemon, peer):
        peer.read()
        peer.send(answer)

    for json_flag in ([], ["--json"]):
        done, _ = ask(script, *json_flag, "status")
        assert done.returncode == 3 and says in done.stderr
        assert "example.com" not in done.stdout  # no half answer
        assert not json_flag or json.loads(done.stdout)["error"] == "no-daemon"


@pytest.mark.parametrize("garbage", [
    b'row a="b\n', b"row a=\x80\n", b"row\x00\n", b"row  x\n", b"\n", b"row a=" + b"x" * 20000 + b"\n"])
def test_garbage(garbage):
    def script(daemon, peer):
        peer.read()
        peer.send(garbage + b"ok\n")

    done, _ = ask(script, "status")
    assert done.returncode == 1 and done.stderr.startswith("certctl: the daemon sent") and done.stdout == ""


def test_lines_of_the_future_are_ignored():
    done, _ = ask("note x=1\nhello again\n" + ROW.replace(" ca=", ' novel="a thing" ca=') % "ok" + "ok x=1 y\n",
                  "--json", "status")
    assert done.returncode == 0 and json.loads(done.stdout)[0]["novel"] == "a thing"


EVIL = r'cert=a/b health=failing error_text="x\x1b[2J\x07\n y \u202egnp\u009b1m" text="\x1b]0;t\x07\u009b"'.replace(
    r"\u202e", "\u202e").replace(r"\u009b", "\u009b")


@pytest.mark.parametrize("args", [["status"], ["show", "a/b"], ["why", "a/b"], ["cancel", "1"], ["watch"]])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_control_characters_stay_harmless(args, flags):
    def script(daemon, peer):
        peer.read()
        peer.send(f"ok\nevent seq=1 name=cert.issued {EVIL}\n" if args == ["watch"] else f"row {EVIL}\nok\n")

    with FakeDaemon(script) as daemon:
        done = run(*flags, *args, socket=daemon.path)
        seen, _ = on_terminal("-s", daemon.path, "--no-color", *flags, *args)
    for text in (done.stdout, done.stderr, seen):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text), repr(text)
    assert done.stdout and seen
    assert flags or "\u202e" not in seen


def test_errors_stay_harmless():
    done, _ = ask('err io "a\\x1b[2Jb"\n', "status")
    assert "\x1b" not in done.stderr and done.returncode == 1


def test_many_rows():
    done, _ = ask((ROW % "ok") * 50000 + "ok rows=50000\n", "--json", "status")
    assert done.returncode == 0 and len(json.loads(done.stdout)) == 50000


def test_an_answer_in_single_bytes():
    def script(daemon, peer):
        peer.read()
        for byte in OK_ROW.encode():
            peer.send(bytes([byte]))
        peer.read()

    done, _ = ask(script, "status")
    assert done.returncode == 0 and "example.com/web" in done.stdout


def test_a_reader_that_goes_away():
    with FakeDaemon(answers((ROW % "ok") * 20000 + "ok\n")) as daemon:
        for ignored in (False, True):
            child = subprocess.Popen([CERTCTL, "-s", daemon.path, "status"], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, restore_signals=not ignored)
            child.stdout.readline()
            child.stdout.close()
            assert child.stderr.read() == b""
            child.stderr.close()
            assert child.wait(60) != 0


def test_a_full_disk():
    with FakeDaemon(answers(OK_ROW)) as daemon, open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([CERTCTL, "-s", daemon.path, "status"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_closed_standard_files():
    with FakeDaemon(answers(OK_ROW)) as daemon:
        done = subprocess.run(["sh", "-c", f"exec {CERTCTL} -s {daemon.path} status <&- >&- 2>&-"], timeout=60,
                              check=False)
        assert daemon.requests == ["status"]
    assert done.returncode == 0


def test_text_answers():
    done, _ = ask('row text="it waits"\nrow text=""\nrow text="until noon"\nok\n', "why", "a/b")
    assert done.stdout == "it waits\n\nuntil noon\n"


def test_jobs_are_told():
    done, _ = ask("ok job=17\n", "renew", "a/b")
    assert done.returncode == 0 and done.stdout == "job 17\n"
    done, _ = ask("ok job=17\n", "--json", "renew", "a/b")
    assert json.loads(done.stdout) == {"job": 17, "skipped": []}
    done, _ = ask("ok\n", "roll", "a/b")
    assert done.returncode == 0 and "nothing to roll" in done.stdout
    skipped = 'row cert=a/c job=12 error=busy error_text="a job runs"\nok job=17\n'
    done, _ = ask(skipped, "renew")
    assert "a job runs" in done.stdout and done.stdout.endswith("job 17\n")
    done, _ = ask(skipped, "--json", "renew")
    assert json.loads(done.stdout)["job"] == 17 and json.loads(done.stdout)["skipped"][0]["job"] == 12


def job_script(end):
    """Answers a renewal with job 17 and its stream with two steps and this end."""

    def script(daemon, peer):
        while request := peer.read():
            daemon.requests.append(request)
            if request.startswith("watch"):
                peer.send("ok\n")
                for n, step in enumerate(["key", "finalize"]):
                    peer.send(f"event seq={n} at=2026-11-21T10:16:00Z name=job.step job=17 cert=a/b step={step}\n")
                peer.send("event seq=7 at=2026-11-21T10:16:00Z name=job.done job=18 cert=a/c result=ok\n")
                if end:
                    peer.send(f"event seq=8 at=2026-11-21T10:16:00Z name=job.done job=17 cert=a/b {end}\n")
                else:
                    return
            else:
                peer.send("ok job=17\n")

    return script


@pytest.mark.parametrize("end,status", [
    ("result=ok", 0), ('error=io text="the disk is gone"', 1), ('error=not-announced text="caches hold it"', 6),
    ("", 3)])
def test_waiting_for_a_job(end, status):
    done, requests = ask(job_script(end), "renew", "a/b", "--force", "--wait")
    assert requests == ["renew a/b --force", "watch job=17"]
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("a/b: key\na/b: finalize\na/c: done\n")
    if status == 0:
        assert done.stdout.endswith("a/b: done\n")
    done, _ = ask(job_script(end), "--json", "renew", "a/b", "--wait")
    result = json.loads(done.stdout)
    assert done.returncode == status and result["job"] == 17 and result["result"] == ("failed" if status else "ok")


def test_waiting_on_a_terminal():
    with FakeDaemon(job_script("result=ok")) as daemon:
        out, status = on_terminal("-s", daemon.path, "renew", "a/b", "--wait")
    assert status == 0 and "a/b: finalize" in out and "\x1b[32mdone" in out


def test_waiting_for_a_job_of_several_certificates():
    def script(daemon, peer):
        while request := peer.read():
            if request == "watch job=17":
                done = "event seq=1 at=2026-11-21T10:16:00Z name=job.done"
                peer.send(f'ok\n{done} job=18 cert=a/1 result=ok\n{done} job=19 cert=a/2 result=failed '
                          f'error=rate-limited text="a/2: used up"\n{done} job=20 cert=a/3 result=ok\n'
                          f'{done} job=17 result=failed error=rate-limited text="one of 3 failed"\n')
            else:
                peer.send("ok job=17\n")

    done, _ = ask(script, "renew", "--wait")
    assert done.returncode == 6 and done.stdout.splitlines() == ["a/1: done", "a/2: failed", "a/3: done", "failed"]
    assert done.stderr == "certctl: a/2: used up\ncertctl: one of 3 failed\n"


NS1 = "address=192.0.2.1 server=ns1.a.test role=primary"
NS2 = "address=192.0.2.2 server=ns2.a.test role=authoritative"
ONE = 'observation=match said="\\"one\\"" serial=7 ttl=60 rtt=3'


def dns_script(*words, end="result=ok"):
    """Answers a dns check with job 17, whose events are these answers of name servers."""

    def script(daemon, peer):
        while request := peer.read():
            daemon.requests.append(request)
            if request.startswith("watch"):
                peer.send("ok\nevent seq=1 at=2026-11-21T10:16:00Z name=job.step job=17 step=zone\n")
                for n, answer in enumerate(words):
                    peer.send(f'event seq={n} at=2026-11-21T10:16:00Z name=dns.answer {answer} job=17 text="news {n}"\n')
                peer.send(f"event seq=99 at=2026-11-21T10:16:00Z name=job.done job=17 {end}\n")
            else:
                peer.send("ok job=17\n")

    return script


def test_dns_check_is_a_table():
    late = 'error=not-visible text="192.0.2.2 answers without the record"'
    script = dns_script(f"{NS1} {ONE}", f"{NS2} observation=nxdomain serial=6 ttl=30 rtt=4", end=late)
    done, requests = ask(script, "dns", "check", "a.test")
    assert requests == ["dns check a.test", "watch job=17"]
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["address", "server", "role", "answer", "says", "serial", "ttl"],
        ["192.0.2.1", "ns1.a.test", "primary", "match", '"one"', "7", "60"],
        ["192.0.2.2", "ns2.a.test", "authoritative", "nxdomain", "-", "6", "30"]]
    assert done.returncode == 1 and done.stderr == "certctl: 192.0.2.2 answers without the record\n"
    done, _ = ask(script, "--json", "dns", "check", "a.test")
    rows = json.loads(done.stdout)
    assert done.returncode == 1 and [row["observation"] for row in rows] == ["match", "nxdomain"]
    assert rows[0] == {"address": "192.0.2.1", "server": "ns1.a.test", "role": "primary", "observation": "match",
                       "said": '"one"', "serial": 7, "ttl": 60, "rtt": 3}
    done, _ = ask(dns_script(end='error=dns-loop text="a leads to a"'), "--json", "dns", "check", "a.test")
    assert done.returncode == 1 and json.loads(done.stdout)["error"] == "dns-loop"
    done, _ = ask('err busy "8 looks are under way"\n', "dns", "check", "a.test")
    assert done.returncode == 6 and done.stdout == ""


def test_dns_check_waits():
    """A line for what is news, one table that is drawn over on a terminal, and the end alone in JSON."""
    script = dns_script(f"{NS2} observation=timeout", f"{NS1} {ONE}", f"{NS2} {ONE}")
    done, requests = ask(script, "dns", "check", "a.test", "--wait")
    assert requests == ["dns check a.test --wait", "watch job=17"]
    assert done.returncode == 0 and done.stdout == "news 0\nnews 1\nnews 2\n"
    done, _ = ask(script, "--json", "dns", "check", "--wait", "a.test")
    assert sorted((row["address"], row["observation"]) for row in json.loads(done.stdout)) == [
        ("192.0.2.1", "match"), ("192.0.2.2", "match")]
    with FakeDaemon(script) as daemon:
        out, status = on_terminal("-s", daemon.path, "dns", "check", "a.test", "--wait")
        narrow, _ = on_terminal("-s", daemon.path, "dns", "check", "a.test", "--wait", columns=50)
    assert status == 0 and "\x1b[2A\x1b[J" in out and "\x1b[3A\x1b[J" in out and "\x1b[31mtimeout" in out
    assert out.rsplit("\x1b[J", 1)[1].count("\x1b[32mmatch") == 2
    assert "A\x1b[J" not in narrow and narrow.count("\n") == 3


def test_watch_ends_with_its_job():
    def script(daemon, peer):
        daemon.requests.append(peer.read())
        peer.send('ok\nevent seq=1 at=2026-11-21T10:16:00Z name=cert.issued cert=a/b text="a version came"\n'
                  'event seq=2 name=lost count=5\n'
                  'event seq=3 at=2026-11-21T10:16:00Z name=job.done job=4 error=busy text="it is busy"\n')
        peer.read()

    done, requests = ask(script, "watch", "--job", "4", "--since", "1")
    assert requests == ["watch job=4 since=1"] and done.returncode == 6
    assert "2026-11-21T10:16:00Z  cert.issued        a/b  a version came\n" in done.stdout and "count=5" in done.stdout
    assert done.stdout.endswith("job.done           it is busy  job=4\n")
    done, _ = ask(script, "--json", "watch", "--job=4")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["seq"] for e in events] == [1, 2, 3] and events[1]["count"] == 5


def test_help_and_version():
    done = run("help")
    assert done.returncode == 0 and "status" in done.stdout and "config check" in done.stdout
    assert run("--help").stdout == done.stdout
    done = run("help", "roll")
    assert done.returncode == 0 and done.stdout.startswith("certctl roll ")
    assert run("roll", "--help").stdout == done.stdout
    commands = json.loads(run("help", "--json").stdout)
    assert {"command": "jobs", "arguments": "", "role": "observe", "text": "running work with its step"} in commands
    done, _ = ask("", "version", "--json")
    ours, theirs = json.loads(done.stdout)
    assert theirs == {"program": "certd", "version": "9.8.7", "proto": 1, "role": "admin"} and ours["role"] is None
    done = run("version")
    assert done.returncode == 0 and ours["version"] in done.stdout and "no daemon answers" in done.stderr
    assert run("--version").stdout == f"certctl {ours['version']}\n"


@pytest.mark.parametrize("args,called", [
    (["check"], ["--check"]), (["check", "/x y.yaml"], ["--check", "-c", "/x y.yaml"]),
    (["explain", "roll.min_age"], ["--explain", "roll.min_age"]), (["explain"], ["--explain"]), (["schema"], ["--schema"])])
def test_config_executes_certd(tmp_path, args, called):
    certd = tmp_path / "certd"
    certd.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 78\n')
    certd.chmod(0o755)
    done = run("config", *args, env={"CERTD_PROGRAM": str(certd)})
    assert done.returncode == 78 and done.stdout.splitlines() == called
    done = run("config", *args, env={"CERTD_PROGRAM": "/nonexistent/certd"})
    assert done.returncode == 1 and "/nonexistent/certd" in done.stderr
