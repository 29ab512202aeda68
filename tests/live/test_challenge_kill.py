# SPDX-License-Identifier: MIT
"""What a death leaves published, and what the next start leaves of that: nothing.

Runs presents and withdrawals of every kind (tests/unit/challenge_crash) under strace, which kills the
process at a system call that changes something; then another process does what the keeper does when it
starts.  Every eighth call from an offset of the printed seed; all with LONG=1.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

PROGRAM = os.environ.get("CERTD_BUILD", "build") + "/tests/unit/challenge_crash"
STEP = 1 if os.environ.get("LONG") == "1" else 8
CHANGES = ("openat", "write", "fsync", "fchmod", "mkdirat", "renameat", "renameat2", "unlinkat")
EMPTY = "; challenges of ACME CAs in example.com, kept by certd: do not edit\n"


def run(what, tree, *strace):
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    return subprocess.run([*strace, PROGRAM, what, str(tree)], env=env, capture_output=True, text=True, timeout=120,
                          check=False)


@pytest.fixture(name="base")
def make_base():
    base = pathlib.Path(tempfile.mkdtemp(prefix="certd-kill-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    yield base
    shutil.rmtree(base)


def fresh(base):
    tree = base / "now"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("www", "zones", "records", "updates"):
        (tree / name).mkdir(parents=True)
    tree.chmod(0o700)
    return tree


def list_points(base):
    """(name, n) for each call of an undisturbed run that changes something; strace counts in each thread anew."""
    log = base / "log"
    done = run("work", fresh(base), "strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(CHANGES))
    assert done.returncode == 0, done.stderr
    count = {}
    for line in log.read_text().splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match and (match[2] != "openat" or "O_CREAT" in line):
            count[match[1], match[2]] = count.get((match[1], match[2]), 0) + 1
    points = sorted({(name, n) for (_, name), most in count.items() for n in range(1, most + 1)})
    assert len(points) > 20, log.read_text()
    return points


def names_below(directory):
    return sorted(path.name for path in directory.iterdir())


def judge(tree, where):
    done = run("sweep", tree)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    assert not names_below(tree / "challenges"), where
    assert not names_below(tree / "www"), where
    assert not names_below(tree / "records"), where
    assert not names_below(tree / "updates"), where
    assert names_below(tree / "zones") == ["acme-challenge.example.com"], where
    assert (tree / "zones/acme-challenge.example.com").read_text() == EMPTY, where
    assert not (tree / "quarantine").exists(), where


def test_an_undisturbed_run_leaves_nothing(base):
    tree = fresh(base)
    assert run("work", tree).returncode == 0
    judge(tree, "undisturbed")


def test_a_kill_leaves_nothing_behind_the_next_start(base, chance):
    points = list_points(base)
    chosen = points[chance.randrange(STEP)::STEP]
    print(f"{len(points)} points, {len(chosen)} of them")
    deaths = 0
    for name, n in chosen:
        tree = fresh(base)
        done = run("work", tree, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:signal=KILL:when={n}")
        deaths += done.returncode == -9
        judge(tree, f"killed at {name} {n}")
    assert deaths >= len(chosen) // 2, f"{deaths} deaths at {len(chosen)} points"
