# SPDX-License-Identifier: MIT
"""Runs the meson tests and the live tests side by side and adds up their verdicts.

Prints what failed, with its output, and ends with "N passed, N failed, N skipped".
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

build = os.path.abspath(sys.argv[1])
env = dict(os.environ, CERTD_BUILD=build,  # newer compilers look for a use after return by themselves
           ASAN_OPTIONS="abort_on_error=1:detect_stack_use_after_return=1:" + os.environ.get("ASAN_OPTIONS", ""))
total = {"passed": 0, "failed": 0, "skipped": 0}


def count_meson():
    """One verdict for each TAP line, not for each program, so that nothing hides."""
    with open(build + "/meson-logs/testlog.json", encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            out = test.get("stdout", "")
            ok = len(re.findall(r"^ok \d+(?!.*# SKIP)", out, re.M))
            skipped = len(re.findall(r"^ok \d+.*# SKIP", out, re.M))
            bad = len(re.findall(r"^not ok \d+", out, re.M))
            if ok + bad + skipped == 0:
                ok, bad = (1, 0) if test["result"] == "OK" else (0, 1)
            elif test["result"] != "OK" and bad == 0:
                bad = 1
            total["passed"] += ok
            total["failed"] += bad
            total["skipped"] += skipped
            print(f"{test['name']}: {ok} passed, {bad} failed ({test['duration']:.1f} s)")
            if bad:
                print(out[-6000:], test.get("stderr", "")[-6000:])


def count_costs():
    """One verdict for each budget of tests/bench/budgets.tsv, on the release build."""
    done = subprocess.run(["/usr/bin/python3", "tests/bench/counts", env.get("CERTD_RELEASE", "")], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, encoding="utf-8")
    bad = len(re.findall(r"^not ok \d+", done.stdout, re.M))
    if done.returncode != 0 and bad == 0:
        bad = 1
    total["passed"] += len(re.findall(r"^ok \d+", done.stdout, re.M))
    total["failed"] += bad
    print(f"counts: {bad} failed")
    if bad:
        print(done.stdout[-6000:])


def run_bare(suite, *command):
    """What a command in a fresh root of a Debian suite says, and whether it ended well."""
    root = os.path.abspath("build-newer/" + suite)
    shutil.rmtree(root, ignore_errors=True)
    done = subprocess.run(["tests/bare", suite, root, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, encoding="utf-8", errors="replace")
    shutil.rmtree(root, ignore_errors=True)
    print(f"{' '.join(command)} in a root of Debian {suite}: " + done.stdout.strip().rpartition("\n")[2])
    if done.returncode != 0:
        print(done.stdout[-20000:])
    return done.stdout, done.returncode == 0


def count_newer():
    """All verdicts of tests/run in Debian 13; one of docs/quickstart in Debian testing, whose compiler is newer."""
    said, ok = run_bare("trixie", "tests/run")
    numbers = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*$", said)
    for verdict, number in zip(("passed", "failed", "skipped"), numbers.groups() if numbers else ("0", "1", "0")):
        total[verdict] += int(number)
    if numbers and not ok and numbers[2] == "0":
        total["failed"] += 1
    _, ok = run_bare("testing", "docs/quickstart")
    total["passed" if ok else "failed"] += 1


def run_pytest(where, *words):
    """node id -> passed, failed or skipped; a run that broke down has failed as a whole."""
    verdicts = {}
    with tempfile.TemporaryDirectory() as tmp:
        done = subprocess.run(["/usr/bin/python3", "-m",  # the one that the packages belong to
                               "pytest", "-q", "-p", "no:cacheprovider", "--durations=12",
                               "--junitxml=" + tmp + "/live.xml", *words, *where], env=env, check=False)
        if os.path.exists(tmp + "/live.xml"):
            for case in xml.parse(tmp + "/live.xml").iter("testcase"):
                node = case.get("classname").replace(".", "/") + ".py::" + case.get("name")
                kinds = {child.tag for child in case}
                verdict = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
                if verdicts.get(node) != "failed":
                    verdicts[node] = verdict
    if done.returncode not in (0, 1):
        verdicts["pytest itself"] = "failed"
    return verdicts


def run_live():
    """
    Side by side, four at once on two cores.  What fails there is tried once more alone, because real
    servers and real keys are late on a busy machine; it is named, so that nobody takes it for sound.
    """
    verdicts = run_pytest(["tests/live"], "-n4", "--dist=loadfile")
    failed = [node for node, verdict in verdicts.items() if verdict == "failed" and "::" in node]
    meson.wait()
    if 0 < len(failed) <= 12:
        again = run_pytest(failed)
        for node in failed:
            if again.get(node) == "passed":
                print("PASSED ONLY ALONE: " + node)
                verdicts[node] = "passed"
    for verdict in verdicts.values():
        total[verdict] += 1


patience = "40" if env.get("LONG") == "1" else "4"
meson = subprocess.Popen(["meson", "test", "-C", build, "--no-rebuild", "--timeout-multiplier", patience], env=env,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
run_live()
meson.wait()
count_meson()
count_costs()
if env.get("LONG") == "1":
    count_newer()
print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
sys.exit(total["failed"] != 0)
