# SPDX-License-Identifier: MIT
"""The store against death and bad disks.

Runs one add, one roll, one write of the facts and one index (tests/unit/store_crash) under strace,
which kills it at a system call or lets that call fail, and judges what is left: every link names a
whole version with its own key, nothing that was there before is lost, nothing half-done stays, and
the same work can be repeated to its end.

Every eighth point from an offset of the printed seed ($CERTD_SEED); all of them with LONG=1.
"""
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import pytest

BUILD = os.environ.get("CERTD_BUILD", "build")
PROGRAM = BUILD + "/tests/unit/store_crash"
SEED = int(os.environ.get("CERTD_SEED") or random.SystemRandom().randrange(10**6))
STEP = 1 if os.environ.get("LONG") == "1" else 8

# Calls that change the tree, and calls that only look at it.
CHANGES = ("openat", "write", "fsync", "fchmod", "fchmodat", "mkdirat", "renameat", "renameat2", "symlinkat",
           "unlinkat")
LOOKS = ("openat", "read", "newfstatat", "readlinkat", "getdents64")


def environment():
    """Leaks cannot be looked for under ptrace."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, ASAN_OPTIONS=options + ":detect_leaks=0")


def run(what, tree, *strace):
    return subprocess.run([*strace, PROGRAM, what, str(tree)], env=environment(), capture_output=True, text=True,
                          timeout=60, check=False)


@pytest.fixture(name="trees", scope="module")
def make_trees():
    """A directory for trees; `before` in it is what every try begins with."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="certd-kill-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    done = run("prepare", base / "before")
    assert done.returncode == 0, done.stderr
    yield base
    shutil.rmtree(base)


def facts_of(tree):
    """What `check` tells, as a dictionary; it fails when the store is not whole."""
    done = run("check", tree)
    assert done.returncode == 0, f"the store is not whole: {done.stdout} {done.stderr}"
    return dict(word.split("=") for word in done.stdout.split())


def fresh(trees):
    tree = trees / "now"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(trees / "before", tree, symlinks=True)
    return tree


def list_points(trees, names, wanted=lambda name, line: True):
    """The calls of one undisturbed run after it took its lock, as (name, how many of that name before and with it).

    strace counts each name by itself from the start of the process.
    """
    tree, log = fresh(trees), trees / "log"
    done = run("work", tree, "strace", "-qq", "-o", str(log), "-e", "trace=flock," + ",".join(names))
    assert done.returncode == 0, done.stderr
    count, points, begun = {}, [], False
    for line in log.read_text().splitlines():
        name = line.split("(")[0]
        begun = begun or name == "flock"
        count[name] = count.get(name, 0) + 1
        if begun and name != "flock" and wanted(name, line):
            points.append((name, count[name]))
    assert len(points) > 10
    return points


def changes(trees):
    return list_points(trees, CHANGES, lambda name, line: name != "openat" or "O_CREAT" in line)


def looks(trees):
    return list_points(trees, LOOKS, lambda name, line: name != "openat" or "O_CREAT" not in line)


def some(points, salt):
    """Every STEP-th point; each kind of trouble has its own offset."""
    print(f"CERTD_SEED={SEED}: {len(points)} points, every {STEP}.")
    return points[(SEED + salt) % STEP::STEP]


def judge(tree, before, where, aside=()):
    """Whole, nothing lost, nothing but `aside` in quarantine, and the work can be done to its end."""
    now = facts_of(tree)
    assert {path.name.split(".")[1] for path in tree.glob("quarantine/*/*")} <= set(aside), where
    assert int(now["versions"]) >= int(before["versions"]), where
    if now["curr"] == before["curr"]:
        assert now["prev"] == before["prev"], where
    else:
        assert now["curr"] > before["curr"] and now["prev"] == before["curr"] and now["next"] == "-", where
    assert now["tries"] in ("1", "2") or "facts" in aside, where
    done = run("finish", tree)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    end = facts_of(tree)
    assert end["next"] == "-" and end["curr"] > before["curr"] and end["tries"] == "2", where
    assert end["prev"] == (before["curr"] if now["curr"] == before["curr"] else now["curr"]), where
    return now


def test_killed_at_a_change(trees):
    before = facts_of(trees / "before")
    for name, n in some(changes(trees), 0):
        tree = fresh(trees)
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:signal=KILL:when={n}")
        assert done.returncode == -9, f"{name} {n}: {done.returncode} {done.stderr}"
        judge(tree, before, f"killed at {name} {n}")


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EROFS", "EDQUOT"])
def test_a_change_fails(trees, error):
    before = facts_of(trees / "before")
    for name, n in some(changes(trees), len(error)):
        tree, where = fresh(trees), f"{error} at {name} {n}"
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:error={error}:when={n}")
        assert done.returncode in (0, 1), f"{where}: {done.returncode} {done.stderr}"
        errors = [line for line in done.stderr.splitlines() if " store." not in line]
        for line in errors:
            assert re.fullmatch(r"\w+: (disk-full|io|no-rights|no-next|not-found): .{10,}", line), f"{where}: {line}"
        assert done.returncode == 0 or errors, where
        # A removal that was made to fail leaves what it should have removed; the next reading sweeps.
        if name != "unlinkat":
            assert not list(tree.rglob(".tmp-*")), where
        now = judge(tree, before, where)
        if "add:" in done.stderr:
            assert now["curr"] == before["curr"] and now["versions"] == before["versions"], where


def test_a_disk_that_cannot_be_read_damages_nothing(trees):
    before = facts_of(trees / "before")
    for name, n in some(looks(trees), 3):
        tree, where = fresh(trees), f"EIO at {name} {n}"
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:error=EIO:when={n}")
        assert done.returncode in (0, 1), f"{where}: {done.returncode} {done.stderr}"
        # Facts that cannot be read are moved away, not overwritten; versions never are.
        judge(tree, before, where, aside=["facts"])


def test_a_full_disk_stays_full(trees):
    """From some call on nothing can be written any more, not even to clean up."""
    before = facts_of(trees / "before")
    names = ("openat", "write", "fsync", "mkdirat", "renameat", "renameat2", "symlinkat")
    for name, n in some(changes(trees), 5):
        if name not in names:
            continue
        tree, where = fresh(trees), f"full from {name} {n}"
        done = run("work", tree, "strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e",
                   f"inject={name}:error=ENOSPC:when={n}+")
        assert done.returncode in (0, 1), f"{where}: {done.returncode} {done.stderr}"
        judge(tree, before, where)
