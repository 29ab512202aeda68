# SPDX-License-Identifier: MIT
"""Dynamic updates against the name servers of others.

Knot and BIND on a port of 127.0.0.1 take what lib/wire makes and signs, and what they answer is judged
by it (tests/live/dns_update_send): every algorithm, every way in which one of them refuses.
"""
import base64
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

BUILD = os.environ.get("CERTD_BUILD", "build")
PROGRAM = BUILD + "/tests/live/dns_update_send"
ZONE = "dyn.example"
SECRET = "0123456789abcdef0123456789abcdef"
ALGORITHMS = ("hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
ZONE_FILE = """$ORIGIN dyn.example.
$TTL 60
@ SOA ns root 1 3600 600 86400 5
@ NS ns
ns A 127.0.0.1
alias CNAME ns
"""


def free_port():
    """One that is free for TCP and UDP."""
    for _ in range(100):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]
    raise AssertionError("no port is free")


def knot_conf(place, port):
    secret = base64.b64encode(SECRET.encode()).decode()
    keys = "".join(f"  - id: {a}.key\n    algorithm: {a}\n    secret: {secret}\n" for a in ALGORITHMS)
    names = ", ".join(f"{a}.key" for a in ALGORITHMS)
    return f"""server:
    listen: 127.0.0.1@{port}
    rundir: {place}
database:
    storage: {place}
log:
  - target: stderr
    any: info
key:
{keys}acl:
  - id: update
    key: [{names}]
    action: update
zone:
  - domain: {ZONE}
    storage: {place}
    file: zone
    acl: update
"""


def bind_conf(place, port):
    secret = base64.b64encode(SECRET.encode()).decode()
    keys = "".join(f'key {a}.key {{ algorithm {a}; secret "{secret}"; }};\n' for a in ALGORITHMS)
    names = " ".join(f"key {a}.key;" for a in ALGORITHMS)
    return f"""options {{
    directory "{place}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no;
}};
controls {{}};
{keys}zone "{ZONE}" {{ type primary; file "zone"; allow-update {{ {names} }}; }};
"""


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed (tests/packages)"
    return found


class Server:
    """A name server that is the primary of the zone."""

    def __init__(self, kind, place):
        self.port = free_port()
        (place / "zone").write_text(ZONE_FILE)
        conf = place / "conf"
        conf.write_text((knot_conf if kind == "knot" else bind_conf)(place, self.port))
        self.log = place / "log"
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program("knotd"), "-c", str(conf)] if kind == "knot" else [program("named"), "-g", "-c", str(conf)],
            stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        self.wait()

    def wait(self):
        """Until a first update is carried out."""
        end = time.monotonic() + 20
        while self.update("_up." + ZONE, "up") != "carried out":
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def update(self, owner, value, action="add", key="hmac-sha256.key", algorithm="hmac-sha256", secret=SECRET,
               off=0, zone=ZONE):
        done = subprocess.run([PROGRAM, str(self.port), zone, key, algorithm, secret, str(off), action, owner,
                               f'"{value}"'], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode in (0, 1, 3) and not done.stderr, done.stderr
        return done.stdout.strip()

    def values(self, owner):
        done = subprocess.run([program("kdig"), "+short", "-p", str(self.port), "@127.0.0.1", owner, "TXT"],
                              capture_output=True, text=True, timeout=30, check=True)
        return sorted(done.stdout.replace('"', "").split())

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="server", params=["knot", "bind"], scope="module")
def make_server(request, tmp_path_factory):
    server = Server(request.param, tmp_path_factory.mktemp(request.param))
    yield server
    server.stop()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_by_value(server, algorithm):
    """Values live side by side; what is there may be added again, what is not removed."""
    owner = f"_acme-challenge.{algorithm}.{ZONE}"
    how = {"key": algorithm + ".key", "algorithm": algorithm}
    for value in ("one", "two", "one"):
        assert server.update(owner, value, **how) == "carried out"
    assert server.values(owner) == ["one", "two"]
    for value in ("one", "one", "three"):
        assert server.update(owner, value, "remove", **how) == "carried out"
    assert server.values(owner) == ["two"]


SAYS = f"the name server of the zone {ZONE} "
UNSIGNED = "is not its primary, does not know our key, or does not let us change it (NOTAUTH, not signed by key "


@pytest.mark.parametrize("how, says", [
    ({"secret": "x" * 32},
     ["finds the signature wrong: it has another secret for the key hmac-sha256.key (BADSIG, hmac-sha256)"]),
    # Knot 3.4 has no more words for a key that it does not know than for a zone.
    ({"key": "nobody"}, ["does not know the key nobody, or does not let it change this (BADKEY, hmac-sha256)",
                         UNSIGNED + "nobody)"]),
    ({"algorithm": "hmac-sha512"},
     ["does not know the key hmac-sha256.key, or does not let it change this (BADKEY, hmac-sha512)",
      UNSIGNED + "hmac-sha256.key)"]),
])
def test_signature_refused(server, how, says):
    assert server.update("refused." + ZONE, "x", **how) in [SAYS + words for words in says]
    assert not server.values("refused." + ZONE)


@pytest.mark.parametrize("off, says", [(3600, r"(1h|59m \d+s) behind"), (-7200, r"2h( \d+s)? ahead of")])
def test_clock_off(server, off, says):
    """While the update is under way the server's clock goes on."""
    said = server.update("refused." + ZONE, "x", off=off)
    assert re.fullmatch(SAYS + r"refuses the update because its clock is " + says + r" ours \(BADTIME\)", said), said
    assert not server.values("refused." + ZONE)


def test_cname_in_the_way(server):
    assert server.update("alias." + ZONE, "x") == (
        SAYS + "has a CNAME where a record is to be, which would be ignored beside it (YXRRSET, key hmac-sha256.key)")


def test_unsigned(server):
    said = server.update("refused." + ZONE, "x", key="")
    assert said in (SAYS + "does not let us change it (REFUSED, without a key)",
                    SAYS + "is not its primary, or does not let us change it (NOTAUTH, without a key)")


def test_other_zone(server):
    said = server.update("www.example.net", "x", zone="example.net")
    assert re.fullmatch("the name server of the zone example.net is not its primary,( does not know our key,)? or does "
                        r"not let us change it \(NOTAUTH, .*\)", said), said
