# SPDX-License-Identifier: MIT
"""Fixtures of the live tests."""
import os
import pathlib
import random
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from instance import Instance  # noqa: E402


@pytest.fixture(name="place")
def make_place():
    """A directory in memory that every user may pass through."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="certd-live-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(name="run")
def make_run(place):
    """run(config, ...) starts a daemon in the test's directory; it is stopped when the test ends."""
    running = []

    def run(config, **kw):
        running.append(Instance(place, config, **kw))
        return running[-1].start()
    yield run
    for instance in running:
        instance.stop()


@pytest.fixture(name="chance")
def make_chance():
    """Randomness that can be had again: the seed is $CERTD_SEED, else it is printed."""
    seed = int(os.environ.get("CERTD_SEED") or random.SystemRandom().randrange(10**6))
    print(f"CERTD_SEED={seed}")
    return random.Random(seed)
