# SPDX-License-Identifier: MIT
"""What the tests against an ACME CA have in common: configurations, and what was issued, looked at."""
import json
import os
import stat

from cryptography import x509
from cryptography.hazmat.primitives import serialization

CONFIG = """
defaults: {{key: "{key}", roll: {{min_age: 1s}}, {defaults}}}
cas:
  {name}:
    type: acme
    directory: {directory}
    trust_file: {trust}
    terms_agreed: true
    challenge: {challenge}
    {ca}
{top}
groups:
  example.test:
{certs}
"""

HTTP = 'http: {{listen: ["127.0.0.1:{port}"]}}'
TLS = 'tls_alpn: {{listen: ["127.0.0.1:{port}"]}}'


# Whom certd asks unless a test says otherwise: the companion knows every name and serves no zone.
DNS = "dns: {{resolver: ['127.0.0.1:{port}'], extra_nameservers: [], {zones}}}"


def make_config(ca, certs, challenge="http-01", via=None, key="ec:secp256r1", more="", top="", defaults="keep: 10",
                publish=None, dns=None):
    """`certs`: service -> the text of its map; `via`: a proxy that stands before the CA; `more`: further keys of the CA;
    `publish`: how example.test is, of whose servers none can be asked; `dns`: that section as a whole."""
    door = via or ca
    tops = {"http-01": HTTP.format(port=ca.http_port), "tls-alpn-01": TLS.format(port=ca.tls_port)}
    zones = f"zones: {{example.test: {{nameservers: [], publish: {publish}}}}}" if publish else ""
    top = f"{top}\n{dns or DNS.format(port=ca.dns, zones=zones)}"
    lines = "\n".join(f"    {service}: {{ca: {ca.name}, {text}}}" for service, text in certs.items())
    return CONFIG.format(name=ca.name, directory=door.directory, trust=door.trust, challenge=challenge, key=key, ca=more,
                         certs=lines, defaults=defaults, top=tops.get(challenge, "") + "\n" + top)


def names(*wanted):
    return "names: [" + ", ".join(json.dumps(name) for name in wanted) + "]"


def write_program(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def dns_commands(directory, ca):
    """The add and remove commands of a zone that lives in the companion; they note every call."""
    log = directory / "dns.calls"
    log.touch()
    os.chmod(log, 0o666)
    text = """#!/usr/bin/python3
import json, os, sys, urllib.request
zone, name, ttl, kind, data = sys.argv[1:6]
assert kind == "TXT" and data.strip('"').replace("-", "").replace("_", "").isalnum(), sys.argv
with open({log!r}, "a") as log:
    print({verb!r}, *sys.argv[1:6], file=log)
known = {known!r}
values = set(json.load(open(known)).get(name, [])) if os.path.exists(known) else set()
"""
    add = text.format(log=str(log), verb="add", known=str(directory / "dns.known")) + f"""
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{ca.control}/set-txt",
    json.dumps({{"host": name if name.endswith(".") else name + ".", "value": data}}).encode()))
"""
    # The companion can only forget a whole name: what is still wanted of it is said again.
    remove = text.format(log=str(log), verb="remove", known=str(directory / "dns.known")) + f"""
lines = [line.split() for line in open({str(log)!r})]
wanted = set()
for verb, _, owner, _, _, value in lines:
    if owner == name:
        (wanted.add if verb == "add" else wanted.discard)(value)
host = name if name.endswith(".") else name + "."
def say(what, **about):
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{ca.control}/" + what, json.dumps(about).encode()))
say("clear-txt", host=host)
for value in wanted:
    say("set-txt", host=host, value=value)
"""
    return (write_program(directory / "dns-add", add), write_program(directory / "dns-remove", remove), log)


def leftovers(log):
    """Records that were added and not removed again."""
    left = []
    for line in log.read_text().splitlines():
        verb, *record = line.split()
        if verb == "add":
            left.append(record)
        elif record in left:
            left.remove(record)
    return left


def read_chain(pem):
    """Every certificate of a PEM text."""
    mark = b"-----BEGIN CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(mark + part) for part in pem.split(mark)[1:]]


def chain_of(certd, cert):
    return read_chain((certd.store(cert) / "curr/fullchain.pem").read_bytes())


def leaf_of(certd, cert):
    return chain_of(certd, cert)[0]


def san_of(leaf):
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted([*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress))])


def check_pair(certd, cert):
    """The key that lies beside the certificate is its own."""
    key = serialization.load_pem_private_key((certd.store(cert) / "curr/privkey.pem").read_bytes(), None)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_key().public_bytes(*form) == leaf_of(certd, cert).public_key().public_bytes(*form)


def journal(certd):
    """Challenges that are still noted as made."""
    place = certd.dir / "state/challenges"
    return sorted(os.listdir(place)) if place.is_dir() else []


def pending_keys(certd):
    return sorted(str(path) for path in (certd.dir / "state/certs").glob("*/*/keys/pending-*"))
