# SPDX-License-Identifier: MIT
"""The daemon itself after a power cut.

tests/power judges thousands of the trees that a power cut may leave, with the keeper's code in one process; here
certd starts on a few of them, its engine beside it, and nobody does anything: it becomes healthy by itself.
"""
import os
import shutil
import subprocess

import pytest
from instance import BUILD, LONG, Instance, until
from judge import Store, check_key, current, served

WEB = "example.com/web"
CONFIG = """
defaults: {key: ed25519, keep: 1}
cas:
  root: {type: local, issuer: ca/root, lifetime: 30d}
targets:
  web: {dir: "{dir}/live", reload: {command: ["true"]}}
  deep: {dir: "{dir}/deep/below", include_next: true, formats: [pem, combined], reload: {command: ["true"]}}
http: {webroot: "{dir}/www"}
dns:
  zones:
    example.com: {publish: {type: include, acme_dir: "{dir}/zones"}}
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 3650d}
  example.com:
    web: {ca: root, names: [example.com], deploy: [web, deep]}
"""
SCENES = ("first", "issue", "roll", "deploy", "deploy_by_link", "restore", "challenge", "prune", "repair_versions")
COUNT = 40 if LONG else 2


def write_states(place, chance, scene):
    """Where the trees have to lie, and each with what is lost of it."""
    done = subprocess.run([BUILD + "/tests/power/power_states", scene, str(chance.randrange(2**32)), str(COUNT), str(place)],
                          capture_output=True, text=True, check=True)
    root, *lost = done.stdout.splitlines()
    return root, [(place / str(i), text) for i, text in enumerate(lost)]


def judge(certd, lost):
    """Healthy without anybody, the targets in line, nothing of a challenge left."""
    certd.wait_healthy(patterns=(WEB, "ca/root"))
    until(lambda: not certd.ok("jobs"), 20, "jobs go on")
    store = Store(certd.dir / "state")
    store.look(after_start=True)
    assert served(certd, WEB) == current(certd, WEB), lost
    assert check_key(certd.dir / "deep/below" / WEB / "curr").serial_number == current(certd, WEB), lost
    assert not list((certd.dir / "www").iterdir()), lost
    assert " IN TXT " not in (certd.dir / "zones/acme-challenge.example.com").read_text(), lost


@pytest.mark.parametrize("scene", SCENES)
def test_certd_starts_after_a_power_cut(place, chance, scene):
    root, states = write_states(place, chance, scene)
    for tree, lost in states:
        shutil.copytree(tree, root, symlinks=True)
        os.chmod(root, 0o755)
        try:
            with Instance(root, CONFIG) as certd:
                judge(certd, lost)
        finally:
            shutil.rmtree(root)
