# SPDX-License-Identifier: MIT
"""`certctl config check` finds every mistake in cas, http and dns in one run, in the order of the file."""
import os
import subprocess

import pytest

from instance import CERTCTL, CERTD

MISTAKES = """\
cas:
  letsencrypt:
    type: acme
    directory: http://ca.example/directory
    contact: ["mailto:hostmaster@example.com"]
    chalenge: dns-01
  root: {type: local, issuer: ca/root, staging: "https://ca.example/"}
  other: {type: acme, directory: "https://other.example/", terms_agreed: true, challenge: dns-01}
http:
  listen: [80]
  webroot: ssh://www.example.com/srv/http
dns:
  extra: maybe
  zones:
    example.com: {publish: {type: command, add: [dns-add], refresh: [rndc]}}
groups:
  ca:
    root: {ca: self}
  example.org:
    web: {ca: other, names: [example.org, 192.0.2.1]}
"""
MENDED = """\
cas:
  letsencrypt:
    type: acme
    directory: https://ca.example/directory
    contact: [hostmaster@example.com]
    terms_agreed: true
  root: {type: local, issuer: ca/root}
  other: {type: acme, directory: "https://other.example/", terms_agreed: true, challenge: dns-01}
http:
  listen: ["[::]:80"]
dns:
  extra: advise
  zones:
    example.org: {publish: {type: command, add: [dns-add], remove: [dns-del]}}
groups:
  ca:
    root: {ca: self}
  example.org:
    web: {ca: other, names: [example.org]}
    by-address: {ca: letsencrypt, names: [192.0.2.1]}
"""
# LINE:COLUMN and what is said there.
TOLD = """\
3:5: error: cas.letsencrypt: needs terms_agreed: true; read the CA's terms of service first
4:16: error: cas.letsencrypt.directory: "http://ca.example/directory" does not begin with https://
5:15: error: cas.letsencrypt.contact[0]: "mailto:hostmaster@example.com" is a URL; write the address without mailto:
6:5: error: cas.letsencrypt.chalenge: is an unknown key; did you mean challenge?
7:40: error: cas.root.staging: belongs to type acme, but this is of type local
10:12: error: http.listen[0]: "80" is not an address with a port; write ADDRESS:PORT, such as 192.0.2.1:80 or \
"[::]:80"
11:12: error: http.webroot: a webroot on another host (ssh://) is not supported by this version; write a path
13:10: error: dns.extra: "maybe" is unknown; write advise or require
15:28: error: dns.zones.example.com.publish: needs the key remove
15:60: error: dns.zones.example.com.publish.refresh: belongs to type include, but this is of type command
20:30: error: groups.example.org.web.names[0]: example.org lies in no zone of dns.zones, so nobody can publish its \
challenge; the CA other has challenge: dns-01
20:43: error: groups.example.org.web.names[1]: 192.0.2.1 is an address, which is proved by http-01 or tls-alpn-01 \
only; the CA other has challenge: dns-01
"""


def check(path):
    """The exit status of `certctl config check` and what it says."""
    done = subprocess.run([CERTCTL, "config", "check", str(path)], env={**os.environ, "CERTD_PROGRAM": CERTD},
                          capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_every_mistake_is_told_in_one_run(tmp_path):
    """Twelve mistakes, twelve lines, nothing else; mended, the file is good."""
    path = tmp_path / "certd.yaml"
    path.write_text(MISTAKES)
    status, said = check(path)
    assert status == 78
    assert said.splitlines() == [f"{path}:{line}" for line in TOLD.splitlines()]
    path.write_text(MENDED)
    assert check(path)[0] == 0


def test_a_trust_file_is_judged(tmp_path):
    """Whoever may read the file learns at once that it holds something else than certificates."""
    path, trust = tmp_path / "certd.yaml", tmp_path / "ca.pem"
    path.write_text('cas: {a: {type: acme, directory: "https://a.example/", terms_agreed: true, trust_file: ca.pem}}\n')
    for text, wrong in ((None, "cannot open it"), ("", "it holds no certificate as PEM"),
                        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "only certificates may be")):
        if text is not None:
            trust.write_text(text)
        status, said = check(path)
        assert status == 78 and f"cas.a.trust_file: cannot use {trust}: " in said and wrong in said, said


def test_check_counts_in_words(tmp_path):
    """One certificate, and two of them."""
    path = tmp_path / "certd.yaml"
    for more, said in (("", "1 certificate, 0 warnings"), ("\n  x.test: {w: {ca: r, names: [x.test]}}", "2 certificates, 0")):
        path.write_text("cas: {r: {type: local, issuer: ca/r}}\ngroups:\n  ca: {r: {ca: self}}" + more + "\n")
        done = subprocess.run([CERTD, "--check", "--config", str(path)], capture_output=True, text=True, check=False,
                              timeout=60)
        assert done.returncode == 0 and said in done.stdout, done


def test_check_looks_around(tmp_path):
    """What an order would stumble over is told before: programs and folders as warnings, secrets as mistakes."""
    path, secret = tmp_path / "certd.yaml", tmp_path / "tsig.key"
    path.write_text("dns:\n  zones:\n    a.test: {publish: {type: include, acme_dir: none, refresh: [/no/such/program]}}\n"
                    "    b.test: {publish: {type: update, tsig: {name: k, secret_file: tsig.key}}}\n")
    secret.write_text("c2VjcmV0\n")
    secret.chmod(0o600)
    around = [f"{path}:3:49: warning: dns.zones.a.test.publish.acme_dir: the folder {tmp_path}/none is not there, and certd does "
              "not make it",
              f"{path}:3:64: warning: dns.zones.a.test.publish.refresh: the program /no/such/program is not there"]
    status, said = check(path)
    assert status == 0 and said.splitlines()[1:] == around, said
    for text, wrong in (("", "it is empty"), ("not base64!", "it is not base64"),
                        ('key "k" { algorithm hmac-sha256; secret "c2VjcmV0"; };\n',
                         "it holds a whole key as a name server reads it; put only the secret there, as base64")):
        secret.write_text(text)
        status, said = check(path)
        assert status == 78, said
        assert said.splitlines() == [*around, f"{path}:4:67: error: dns.zones.b.test.publish.tsig.secret_file: {secret}: {wrong}"]


@pytest.mark.parametrize("how", ["everybody", "group", "owner", "sticky", "above", "behind a link"])
def test_a_configuration_below_what_others_can_write_is_refused(place, how):
    """By `config check` and by a start, whichever directory on the way it is."""
    (place / "a/b/conf").mkdir(parents=True)
    path = place / "a/b/conf/certd.yaml"
    path.write_text("state_dir: " + str(place / "state") + "\n")
    assert check(path)[0] == 0
    if how == "behind a link":
        (place / "link").symlink_to("a/b/conf")
        (place / "a").chmod(0o777)
        path = place / "link/certd.yaml"
    elif how == "above":
        (place / "a").chmod(0o777)
    elif how == "sticky":
        (place / "a/b/conf").chmod(0o1777)
    elif how == "owner":
        os.chown(place / "a", 1000, 0)
    else:
        (place / "a/b").chmod(0o777 if how == "everybody" else 0o775)
        os.chown(place / "a/b", 0, 1000)
    for status, said in (check(path), start(path)):
        assert status == 78 and "is a directory above the configuration that " in said, said


def start(path):
    """The exit status of a daemon that is not to start, and what it says."""
    done = subprocess.run([CERTD, "-c", path], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_programs_and_secrets_of_others_are_told(place):
    """Programs below a directory that all users can change, and secrets of other users, are mistakes; less is a warning."""
    (place / "bin/deep").mkdir(parents=True)
    path, secret, program = place / "certd.yaml", place / "tsig.key", place / "bin/deep/program"
    path.write_text("dns:\n  zones:\n    b.test: {publish: {type: update, tsig: {name: k, secret_file: tsig.key}}}\n"
                    f"hooks: {{after_roll: [{program}]}}\n")
    secret.write_text("c2VjcmV0\n")
    secret.chmod(0o600)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert check(path)[0] == 0
    (place / "bin").chmod(0o777)
    status, said = check(path)
    assert status == 78 and f"{place}/bin is a directory above a program that root runs that all users can change" in said
    (place / "bin").chmod(0o755)
    os.chown(place / "bin", 1000, 0)
    status, said = check(path)
    assert status == 0 and f"warning: hooks.after_roll: {place}/bin is a directory above a program" in said
    os.chown(place / "bin", 0, 0)
    os.chown(secret, 1000, 0)
    status, said = check(path)
    assert status == 78 and f"{secret} is a secret that belongs to user 1000" in said
    os.chown(secret, 0, 0)
    secret.chmod(0o644)
    status, said = check(path)
    assert status == 0 and f"{secret} is a secret that all users can read" in said
