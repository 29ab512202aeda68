# SPDX-License-Identifier: MIT
"""Commands as transient units and jobs of units, the way the keeper starts them under systemd."""
import os
import shutil

import container
import pytest

UNITS = {
    "failing": "Type=oneshot\nExecStart=/bin/false\n",
    "sleeping": "ExecStart=/bin/sleep 1000\n",
    "stubborn": "ExecStart=/bin/sleep 1000\nExecReload=/bin/false\n",
    "reloading": "ExecStart=/bin/sleep 1000\nExecReload=/bin/true\n",
    "slow": "ExecStart=/bin/sleep 1000\nExecReload=/bin/sleep 1\n",
    "dies-of-it": "ExecStart=/bin/sleep 1000\nExecReload=/bin/kill -HUP $MAINPID\n",
    "ends": "ExecStart=/bin/true\n",
    "loops": "ExecStart=/bin/false\nRestart=always\nRestartSec=1000\n",
    "once": "Type=oneshot\nExecStart=/bin/true\n",
    "once-for-long": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "resting": "Type=oneshot\nExecStart=/bin/true\n[Unit]\nConditionPathExists=/nonexistent\n",
    "unwanted": "ExecStart=/bin/sleep 1000\n[Unit]\nConditionPathExists=/nonexistent\n",
}


@pytest.fixture(name="box", scope="module")
def fixture_box(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("bus")
    (tmp / "stage/usr/bin").mkdir(parents=True)
    shutil.copy(os.path.join(container.BUILD, "tests/live/bus_probe"), tmp / "stage/usr/bin/bus_probe")
    with container.booted(str(tmp / "stage"), str(tmp / "out")) as box:
        for name, text in UNITS.items():
            box.write(f"/run/systemd/system/{name}.service", "[Service]\n" + text)
        box.exec("ln", "-s", "slow.service", "/run/systemd/system/alias.service")
        box.exec("systemctl", "daemon-reload")
        box.exec("systemctl", "start", "stubborn.service", "reloading.service", "slow.service", "dies-of-it.service")
        yield box


def probe(box, *words):
    """The lines of the command, and the verdict."""
    done = box.run("bus_probe", *words, properties=["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"])
    lines = done.stdout.splitlines()
    assert lines and lines[0] == "units", done.stdout + done.stderr
    return lines[1:-1], lines[-1]


@pytest.mark.parametrize("script,limit,lines,verdict", [
    ("echo hello; echo oops >&2", 10, ["hello", "oops"], "none"),
    ("echo reason; exit 3", 10, ["reason"], "command-failed"),
    ("kill -9 0", 10, [], "command-failed"),
    ("echo slow; sleep 1000", 1, ["slow"], "timeout"),
    ("pwd; umask; readlink /proc/self/fd/0; test -t 1 || echo pipe", 10, ["/", "0022", "/dev/null", "pipe"], "none"),
    ("touch /usr/was-here && echo wrote", 10, ["wrote"], "none"),
    ("grep NoNewPrivs /proc/self/status | tr '\\t' ' '", 10, ["NoNewPrivs: 0"], "none"),
])
def test_command(box, script, limit, lines, verdict):
    told, last = probe(box, str(limit), "/bin/sh", "-c", script)
    assert [line.rsplit(": ", 1)[-1] for line in told] == [line.rsplit(": ", 1)[-1] for line in lines]
    assert last.split(" ")[0] == verdict


@pytest.mark.parametrize("program,verdict", [("/nonexistent/program", "not-found"), ("/etc/passwd", "no-rights")])
def test_not_a_program(box, program, verdict):
    assert probe(box, "10", program)[1].startswith(f"{verdict} {program} ")


def test_environment(box):
    """Nothing is inherited, and nothing of the manager's own slips in that names us."""
    told, last = probe(box, "10", "/usr/bin/env")
    names = {line.split(": ", 1)[1].split("=")[0] for line in told}
    assert {"CERTD_CERT", "CERTD_HOST", "PATH"} <= names
    assert not names & {"NOTIFY_SOCKET", "LISTEN_FDS", "CREDENTIALS_DIRECTORY", "WATCHDOG_USEC", "DBUS_SESSION_BUS_ADDRESS"}
    assert last.startswith("none")


def test_flood(box):
    told, last = probe(box, "30", "/bin/sh", "-c", "yes | head -c 3000000; echo end")
    assert len(told) <= 51 and "more lines" in told[-1]
    assert last.startswith("none")


def test_nothing_is_left(box):
    """A command that goes into the background, even into a session of its own, ends with its unit."""
    told, last = probe(box, "10", "/bin/sh", "-c", "setsid sleep 777 & echo left")
    assert told[0].endswith("left") and last.startswith("none")
    box.until("the background is gone", lambda: box.status("pgrep", "-f", "sleep 777") != 0)
    assert "0 loaded units" in box.exec("systemctl", "list-units", "--all", "certd-command*")


@pytest.mark.parametrize("unit,action,verdict", [
    ("sleeping", "reload-or-restart", "none"),
    ("reloading", "reload-or-restart", "none"),
    ("reloading", "reload", "none"),
    ("sleeping", "restart", "none"),
    ("sleeping", "reload", "unit-failed"),
    ("stubborn", "reload", "unit-failed"),
    ("failing", "restart", "unit-failed"),
    ("no-such-unit", "restart", "unit-failed"),
])
def test_unit(box, unit, action, verdict):
    pid = box.show("MainPID", unit + ".service")
    last = probe(box, "10", "unit", unit + ".service", action)[1]
    assert last.split(" ")[0] == verdict and (verdict == "none" or unit in last)
    if unit == "reloading":
        assert box.show("MainPID", unit + ".service") == pid


@pytest.mark.parametrize("others", [["slow"], ["alias"], ["slow", "alias", "slow"]])
def test_jobs_that_systemd_merges_end_together(box, others):
    """All of them were given one path, and one signal tells that it ended."""
    names = [name + ".service" for name in ["slow", *others]]
    assert probe(box, "10", "unit", names[0], "reload", *names[1:])[1].split(" ")[0] == "none"


@pytest.mark.parametrize("unit,action,words", [
    ("dies-of-it", "reload", "inactive (dead)"),
    ("ends", "restart", "inactive (dead)"),
    ("loops", "restart", "auto-restart"),
    ("unwanted", "restart", "ConditionPathExists=/nonexistent was not met"),
    ("resting", "restart", "ConditionPathExists=/nonexistent was not met"),
    ("once", "restart", None),
    ("once-for-long", "reload-or-restart", None),
])
def test_the_state_of_the_unit_decides(box, unit, action, words):
    """A job that is done proves nothing about the unit."""
    last = probe(box, "10", "unit", unit + ".service", action)[1]
    if words:
        assert last.startswith("unit-failed " + unit) and words in last
    else:
        assert last.split(" ")[0] == "none", last
