# SPDX-License-Identifier: MIT
"""Newer systems than the one that the tree was written on: compilers, formatters and mirrors of theirs."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from test_package import fixture_package  # noqa: F401

ROOT = pathlib.Path(__file__).parents[2]


def options(where):
    said = subprocess.run(["meson", "introspect", "--buildoptions", str(where)], capture_output=True, text=True, check=True)
    return {option["name"]: option["value"] for option in json.loads(said.stdout)}


def test_warnings_end_no_build_but_that_of_the_tests(package):
    assert options(ROOT / "meson.build")["werror"] is False
    assert options((package / "release").resolve())["werror"] is False
    for path in ("docs/quickstart", "packaging/build-deb", "packaging/debian/rules", "README.md"):
        assert "werror" not in (ROOT / path).read_text(encoding="utf-8").lower(), path


def test_tests_use_nothing_that_newer_libraries_give_up():
    """Python 3.12 and cryptography 42 warn of moments without a zone; judge.py reads them on both sides."""
    old = re.compile(r"\.utcnow\(|\.utcfromtimestamp\(|[^.]\b(\w+(\[\w+\])?)\.not_valid_(before|after)\b[^(]")
    for path in sorted(ROOT.glob("tests/**/*.py")):
        found = old.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path}: {found[0]}"


@pytest.mark.parametrize("version", ["", "99.1"])
def test_lint_does_all_else_and_says_so_with_another_formatter(tmp_path, version):
    """The format is that of the versions that rule_shape.py names; of no other it can be asked."""
    lint = [sys.executable, "-B", str(ROOT / "tests/lint/lint.py"), "shape", str(ROOT)]
    if version:
        formatter = tmp_path / "clang-format"
        formatter.write_text(f"#!/bin/sh\necho 'Debian clang-format version {version}'\n")
        formatter.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin" if version else str(tmp_path)
    done = subprocess.run(lint, env=dict(os.environ, PATH=path), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "not ok" not in done.stdout, done.stdout + done.stderr
    assert "complains: a function of 120 lines" in done.stdout
    name, _, why = done.stdout.splitlines()[-2].partition(" # ")
    assert name.endswith(" - the format") and f" clang-format is {version.split('.')[0] or 'not there'}, not one of " in why


def test_packages_of_another_suite_come_from_the_own_mirror():
    line = subprocess.run([ROOT / "tests/mirror", "some-suite"], capture_output=True, text=True, check=True).stdout
    kind, key, mirror, suite, component = line.split()
    assert (kind, suite, component) == ("deb", "some-suite", "main") and "://" in mirror
    assert os.path.exists(key.removeprefix("[signed-by=").removesuffix("]"))
