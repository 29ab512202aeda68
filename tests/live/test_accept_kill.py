# SPDX-License-Identifier: MIT
"""A certificate on its way against death and bad disks.

Lets the keeper finalize an order and accept its certificate (tests/unit/acme_crash) under strace, which
kills it at a system call or lets that call fail, and judges what is left: whatever the CA has signed,
its key is still here; nothing is stored twice; and after a restart the order comes to its end.

Every fourth point from an offset of the printed seed ($CERTD_SEED); all of them with LONG=1.
"""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import pytest

BUILD = os.environ.get("CERTD_BUILD", "build")
PROGRAM = BUILD + "/tests/unit/acme_crash"
SEED = int(os.environ.get("CERTD_SEED") or random.SystemRandom().randrange(10**6))
STEP = 1 if os.environ.get("LONG") == "1" else 4

CHANGES = ("openat", "write", "fsync", "fchmod", "mkdirat", "renameat", "renameat2", "symlinkat", "unlinkat")


def run(what, tree, *strace):
    """Leaks cannot be looked for under ptrace."""
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    return subprocess.run([*strace, PROGRAM, what, str(tree)], env=env, capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.fixture(name="trees", scope="module")
def make_trees():
    base = pathlib.Path(tempfile.mkdtemp(prefix="certd-accept-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    done = run("prepare", base / "before")
    assert done.returncode == 0, done.stderr
    # A version is named by the second of its making, and a name that is taken costs one more call.
    time.sleep(1 - time.time() % 1)
    yield base
    shutil.rmtree(base)


def fresh(trees):
    tree = trees / "now"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(trees / "before", tree, symlinks=True)
    return tree


def list_points(trees, salt):
    """Calls of one undisturbed run that change something, after it took its lock: (name, count of that name)."""
    tree, log = fresh(trees), trees / "log"
    done = run("work", tree, "strace", "-qq", "-o", str(log), "-e", "trace=flock," + ",".join(CHANGES))
    assert done.returncode == 0, done.stderr
    count, points, begun = {}, [], False
    for line in log.read_text().splitlines():
        name = line.split("(")[0]
        begun = begun or name == "flock"
        count[name] = count.get(name, 0) + 1
        if begun and name != "flock" and (name != "openat" or "O_CREAT" in line):
            points.append((name, count[name]))
    assert len(points) > 20
    print(f"CERTD_SEED={SEED}: {len(points)} points, every {STEP}.")
    return points[(SEED + salt) % STEP::STEP]


def judge(tree, where):
    now = run("check", tree)
    assert now.returncode == 0, f"{where}: {now.stderr}"
    done = run("finish", tree)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    end = run("end", tree)
    assert end.returncode == 0, f"{where}: {end.stdout} {end.stderr}"
    assert not [path for path in tree.rglob(".tmp-*") if path.parent.name != "outside"], where


def test_killed_at_a_change(trees):
    for name, n in list_points(trees, 0):
        tree = fresh(trees)
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:signal=KILL:when={n}")
        assert done.returncode == -9, f"{name} {n}: {done.returncode} {done.stderr}"
        judge(tree, f"killed at {name} {n}")


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_change_fails(trees, error):
    for name, n in list_points(trees, len(error)):
        tree, where = fresh(trees), f"{error} at {name} {n}"
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:error={error}:when={n}")
        assert done.returncode in (0, 1), f"{where}: {done.returncode} {done.stderr}"
        judge(tree, where)
