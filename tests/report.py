"""Runs the meson tests and the live tests side by side and adds up their verdicts.

Prints what failed, with its output, and ends with "N passed, N failed, N skipped".
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

build = os.path.abspath(sys.argv[1])
env = dict(os.environ, CERTD_BUILD=build, ASAN_OPTIONS="abort_on_error=1:" + os.environ.get("ASAN_OPTIONS", ""))
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


def count_pytest(path):
    for case in xml.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        kind = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        total[kind] += 1


meson = subprocess.Popen(["meson", "test", "-C", build, "--no-rebuild", "--timeout-multiplier", "4"], env=env,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
live = sorted(glob.glob("tests/live/test_*.py"))
if live:
    with tempfile.TemporaryDirectory() as tmp:
        done = subprocess.run(["/usr/bin/python3", "-m",  # the one that the packages belong to
                               "pytest", "-q", "-p", "no:cacheprovider", "-n4", "--dist=loadfile", "--durations=12",
                               "--junitxml=" + tmp + "/live.xml", "tests/live"], env=env, check=False)
        if os.path.exists(tmp + "/live.xml"):
            count_pytest(tmp + "/live.xml")
        if done.returncode not in (0, 1):
            total["failed"] += 1
meson.wait()
count_meson()
print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
sys.exit(total["failed"] != 0)
