# SPDX-License-Identifier: MIT
"""The README's first command, as a new user runs it: the only test of a build as it is installed, without sanitizers."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[2]


def test_quickstart():
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CERTD_", "ASAN_"))}
    done = subprocess.run([ROOT / "docs/quickstart"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=900, check=False)
    out = done.stdout
    assert done.returncode == 0, out[-3000:] + done.stderr[-3000:]
    assert len(re.findall(r"^(?:ca/my-|example\.com/)\S+ +ok ", out, re.M)) >= 6
    assert "cert.rolled" in out and ": OK" in out and "stopped cleanly" in out
    assert "ERROR" not in done.stderr and "runtime error" not in out + done.stderr
