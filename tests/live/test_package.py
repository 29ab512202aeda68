# SPDX-License-Identifier: MIT
"""The Debian package, which tests/run builds with its unit tests by packaging/build-deb before the live tests."""
import glob
import os
import pathlib
import subprocess

import pytest


ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(name="package", scope="module")
def fixture_package(tmp_path_factory):
    """The directory of build-deb --keep; tests/run has made it already."""
    where = pathlib.Path(os.environ.get("CERTD_PACKAGE") or tmp_path_factory.mktemp("package"))
    if not (where / "log").exists():
        with open(where / "log", "wb") as log:
            subprocess.run([ROOT / "packaging/build-deb", "--keep", where, where], stdout=log, stderr=log, timeout=1200,
                           check=False)
    return where


def test_builds_with_its_tests(package):
    """dpkg-buildpackage starts everything below GNU make, with signals 32 and 33 ignored."""
    log = (package / "log").read_text(encoding="utf-8", errors="replace")
    assert glob.glob(str(package / "certd_*.deb")), log[-6000:]
    assert (package / "release/build.ninja").exists()
    assert (package / "release/meson-logs/testlog.json").exists(), "the package was built without its tests"


def test_lintian_has_no_complaint(package):
    changes = glob.glob(str(package / "certd_*.changes"))
    assert changes, "there is no package"
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *changes], capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
