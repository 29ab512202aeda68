# SPDX-License-Identifier: MIT
"""One of every kind of certificate, CA and target: every command that reads, as every role, and certctl's views.

What the zoo is stands in tests/zoo; the program zoo_make makes its configuration and its store, and judges
what the daemon answers as it does in the unit tests and the simulation.
"""
import json
import os
import socket
import subprocess

import pytest
from instance import Instance, as_user, until

BUILD = os.path.abspath(os.environ.get("CERTD_BUILD", "build"))
ZOO = BUILD + "/tests/zoo/zoo_make"
RIGHTS = {"observe": ["sync"], "operate": ["games"], "admin": ["root"]}
USERS = {"none": 65534, "observe": 4, "operate": 5, "admin": 0}
# Nothing that the daemon can do helps these.
LASTING = {"no-issuer", "inactive", "manual"}


def zoo(*args, user=0, status=0):
    done = subprocess.run([*as_user(user, 65534 if user else 0), ZOO, *map(str, args)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False, cwd="/",
                          env={**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    assert done.returncode == status, f"zoo_make {args} as {user}: {done}"
    return done.stdout


@pytest.fixture(name="states")
def make_states():
    """cert -> (health, reason) as the zoo's table has them."""
    return {cert: (health, why) for cert, health, why in (line.split() for line in zoo("states").splitlines())}


@pytest.fixture(name="certd")
def make_certd(place):
    """A daemon in the zoo; the CA `le` never answers, at the address of `down` nobody listens."""
    with socket.socket() as silent, socket.socket() as gone:
        for peer in (silent, gone):
            peer.bind(("127.0.0.1", 0))
        silent.listen(64)
        urls = [f"https://127.0.0.1:{peer.getsockname()[1]}" for peer in (silent, gone)]
        (place / "live" / "webroot").mkdir(parents=True)
        (place / "live" / "p12.pass").write_text("secret\n")
        instance = Instance(place, zoo("config", *urls, "{dir}/live"), rights=RIGHTS)
        zoo("store", place / "certd.yaml")
        with instance:
            yield instance


def ask_as_everybody(certd):
    for role, user in USERS.items():
        told = zoo("ask", certd.dir / "control.sock", role, user=user)
        assert " lines were asked" in told, told


def test_every_command_has_an_answer_about_everything(certd, states):
    """At once, while all that is due is in work; and later, when what can be helped is."""
    engine = certd.engine_pid()
    ask_as_everybody(certd)
    certd.wait_status(lambda row: row["health"] in ("ok", "waiting") or row["cert"] not in
                      ("zoo.test/due", "zoo.test/expired", "zoo.test/revoked", "zoo.test/changed"))
    # What begins in the future lets the clock be doubted, and waits with it.
    assert certd.status()["zoo.test/early"]["why"] == "clock"
    # A failed try is not repeated at once because the clock is doubted.
    assert certd.log().count("zoo.test/ca-down: issue begins") <= 2
    ask_as_everybody(certd)
    rows = certd.status()
    assert set(rows) == set(states)
    lasting = {cert for cert, (_, why) in states.items() if why in LASTING}
    assert len(lasting) > 6
    for cert in lasting:
        assert (rows[cert]["health"], rows[cert]["why"]) == states[cert], rows[cert]
    assert certd.engine_pid() == engine, certd.log()[-3000:]


def test_a_job_that_is_cancelled_is_held(certd):
    """The states that no store holds: in work, and held."""
    cert = "zoo.test/mixed"
    number = certd.ok("renew", cert, "--force")[0]["job"]
    assert certd.status(cert)[cert]["health"] == "working"
    zoo("ask", certd.dir / "control.sock", "observe", user=USERS["observe"])
    certd.ok("cancel", str(number))
    until(lambda: certd.status(cert)[cert]["health"] != "working", 20, certd.log)
    zoo("ask", certd.dir / "control.sock", "observe", user=USERS["observe"])


CHANGES = [("discard",), ("renew",), ("renew", "--force"), ("roll",), ("roll", "--force"), ("deploy",), ("publish",),
           ("discard",)]
ADMINS = [("prune", "--keep", "3"), ("revoke",), ("prune",)]
# Of no one certificate, with the roles that may.
AT_LARGE = [(("renew",), {"operate", "admin"}), (("deploy",), {"operate", "admin"}),
            (("cancel", "9999"), {"operate", "admin"}), (("accounts", "--rollover", "le"), {"admin"}),
            (("reload",), {"admin"}), (("renew", "--force"), {"operate", "admin"})]


@pytest.mark.parametrize("role", USERS)
def test_what_changes_things_ends_no_daemon(certd, states, role):
    """Every command that changes something, for every state, as every role."""
    engine, prefix = certd.engine_pid(), as_user(USERS[role], 65534 if USERS[role] else 0)
    archived = {cert for cert in states if cert not in certd.status()}
    for cert in states:
        for words in CHANGES + ADMINS:
            done = subprocess.run([*prefix, BUILD + "/client/certctl", "--json", words[0], cert, *words[1:]],
                                  env=certd.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=60, check=False, cwd="/")
            may = role == "admin" or role == "operate" and words not in ADMINS
            allowed = {4} if not may else {5} if cert in archived else {0, 1, 6}
            assert done.returncode in allowed, f"{role}: {words} {cert}: {done}"
    for words, may in AT_LARGE:
        done = subprocess.run([*prefix, BUILD + "/client/certctl", "--json", *words],
                              env=certd.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False, cwd="/")
        assert done.returncode in ({0, 1, 5, 6} if role in may else {4}), f"{role}: {words}: {done}"
    ask_as_everybody(certd)
    assert certd.engine_pid() == engine, certd.log()[-3000:]


def plain(certd, *args):
    """Standard output as people see it; the exit status must be one of certctl's own."""
    command = [BUILD + "/client/certctl", "--no-color", *args]
    done = subprocess.run(command, env=certd.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False, cwd="/")
    assert done.returncode in (0, 1), done
    return done.stdout


def test_certctl_shows_everything(certd, states):
    """Tables and JSON, of all and of each."""
    listed = plain(certd, "status")
    assert all(cert.split("/")[1] in listed for cert in states), listed
    assert set(certd.status()) == set(states)
    for args in (("jobs",), ("accounts",), ("metrics",), ("plan", "--days", "30"), ("help",), ("version",)):
        assert certd.certctl(*args).status == 0, args
        # No account was registered, and perhaps nothing is in work.
        assert plain(certd, *args) or args[0] in ("jobs", "accounts"), args
    for cert in states:
        for command in ("show", "why", "versions"):
            answer = certd.certctl(command, cert)
            assert answer.status in (0, 1) and json.loads(answer.text) is not None, answer
            assert plain(certd, command, cert) or command == "versions", (command, cert)
        assert list(certd.status(cert)) == [cert]
        assert cert.split("/")[1] in plain(certd, "status", cert)


def test_certctl_reads_files_of_the_zoo(certd):
    """What needs no daemon: the configuration, and a version of the store."""
    version = certd.store("zoo.test/well") / "curr/fullchain.pem"
    for line in zoo("offline").splitlines():
        words = line.replace("%s", str(certd.dir / "certd.yaml")).replace("%v", str(version)).split()
        answer = certd.certctl(*words)
        assert answer.status == 0 and answer.text + answer.err, f"{line}: {answer}"
