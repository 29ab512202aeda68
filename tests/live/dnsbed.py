# SPDX-License-Identifier: MIT
"""Real name servers on loopback: a root of our own, primaries, secondaries in every state, a resolver.

    with DnsBed(directory) as bed:
        zone = bed.zone("example.test", ["primary", "knot", "bind", "nsd"])
        bed.start()
        bed.address("nsd"), bed.resolver, zone.include_dir, bed.tsig

Every bed has a part of 127.0.0.0/8 to itself, so that several run side by side, all on port 53:

    primary   knot: zones by dynamic update, or by file with $INCLUDE, signed
    knot bind nsd   secondaries by NOTIFY and transfer
    lagging   a secondary that hears of a change `lag` seconds late
    stuck     a secondary that never transfers again
    dead      an address where nobody is
    refusing  a server that does not have the zone
    flapping  the primary's answers, every second question unanswered
    six       a secondary with an IPv6 address only
    bprimary  bind: zones by dynamic update
    resolver  unbound, from our own root on

What it starts it ends by its own pid.
"""
import os
import pathlib
import random
import socket
import struct
import subprocess
import threading
import time

from instance import until

NUMBERS = {"root": 2, "resolver": 9, "primary": 11, "knot": 12, "bind": 13, "nsd": 14, "lagging": 15, "stuck": 16,
           "dead": 17, "refusing": 18, "flapping": 19, "six": 20, "bprimary": 21}
SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0IGJlZCwgMzIgb2N0ZXRz"
KEY = "acme-key"
NEGATIVE_TTL = 30
EXPECTED = {"knot": "knot", "lagging": "knot", "stuck": "knot", "six": "knot", "bind": "bind", "nsd": "nsd"}


def query(address, name, kind=16, timeout=1.0, recurse=False):
    """One question over UDP: (rcode, the texts of TXT answers or the serial of an SOA one)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    wire = struct.pack(">HHHHHH", 4711, 0x100 if recurse else 0, 1, 0, 0, 0)
    wire += b"".join(bytes([len(p)]) + p.encode() for p in name.rstrip(".").split(".")) + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.sendto(wire, (address, 53))
            answer = s.recv(4096)
        except OSError:
            return None, []
    n, at, found = struct.unpack(">H", answer[6:8])[0], len(wire), []
    for _ in range(n):
        at = skip_name(answer, at)
        got, _, _, size = struct.unpack(">HHIH", answer[at:at + 10])
        data, at = answer[at + 10:at + 10 + size], at + 10 + size
        if got == kind == 16:
            found.append(data[1:1 + data[0]].decode())
        elif got == kind == 6:
            found.append(struct.unpack(">I", data[-20:-16])[0])
    return answer[3] & 15, found


def skip_name(wire, at):
    while wire[at]:
        if wire[at] >= 192:
            return at + 2
        at += wire[at] + 1
    return at + 1


class Zone:
    def __init__(self, bed, name, servers, kind, extra):
        self.bed, self.name, self.servers, self.kind, self.extra = bed, name, servers, kind, extra
        self.owners = []  # the only names that updates may change; none: all of them
        self.include_dir = bed.dir / "include"

    def text(self, serial=1):
        lines = [f"$ORIGIN {self.name}.", "$TTL 60", f"@ SOA {self.servers[0]}.ns.test. hostmaster.test. {serial} 3600 3600 "
                 f"86400 {NEGATIVE_TTL}", *(f"@ NS {server}.ns.test." for server in self.servers), "www A 127.0.0.1", *self.extra]
        if self.kind == "include":
            lines.append(f"$INCLUDE {self.include_dir}/acme-challenge.{self.name}")
        return "\n".join(lines) + "\n"


class DnsBed:
    def __init__(self, directory, lag=20):
        self.dir, self.lag = pathlib.Path(directory), lag
        self.dir.mkdir(exist_ok=True)
        (self.dir / "include").mkdir(exist_ok=True)
        self.prefix, self.six, self.zones, self.processes, self.added = None, None, [], {}, []
        self.environment = {}  # server -> what it finds in its environment
        self.stopping = threading.Event()
        self.threads = []
        self.tsig = f"{{name: {KEY}., algorithm: hmac-sha256, secret_file: {self.dir}/tsig.key}}"
        (self.dir / "tsig.key").write_text(SECRET + "\n")
        os.chmod(self.dir / "tsig.key", 0o600)
        self.take_addresses()

    def take_addresses(self):
        """A part of loopback that no other bed has: its mark is a socket that stays bound."""
        for _ in range(200):
            a, b = random.randrange(16, 250), random.randrange(1, 250)
            self.mark = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self.mark.bind((f"127.{a}.{b}.254", 53))
            except OSError:
                self.mark.close()
                continue
            self.prefix, self.six = f"127.{a}.{b}", f"fd00:{a:x}:{b:x}::20"
            return
        raise AssertionError("no part of loopback is free")

    def address(self, server):
        return self.six if server == "six" else f"{self.prefix}.{NUMBERS[server]}"

    @property
    def resolver(self):
        return self.address("resolver")

    def zone(self, name, servers=("primary", "knot"), kind="update", extra=()):
        zone = Zone(self, name, list(servers), kind, list(extra))
        if kind == "include":
            (zone.include_dir / f"acme-challenge.{name}").touch()
        self.zones.append(zone)
        return zone

    # What each server's configuration is.

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def knot(self, server, zones, listen, primary=False):
        home = self.dir / server
        for part in ("run", "db", "zones"):
            (home / part).mkdir(parents=True, exist_ok=True)
        lines = ["server:", f"    rundir: {home}/run", f"    listen: [ {listen}@53 ]", "    udp-workers: 1",
                 "    tcp-workers: 1", "    background-workers: 1", "database:", f"    storage: {home}/db", "log:",
                 "  - target: stderr", "    any: info", "key:", f"  - id: {KEY}", "    algorithm: hmac-sha256",
                 f"    secret: {SECRET}", "remote:"]
        for other in ("primary", "bprimary", "knot", "bind", "nsd", "six"):
            via = [f"    via: {listen}"] if (":" in listen) == (other == "six") else []
            lines += [f"  - id: {other}", f"    address: {self.address(other)}@53", *via, f"    key: {KEY}"]
        lines += ["acl:", "  - id: xfer", f"    key: {KEY}", "    action: transfer", "  - id: notify", f"    key: {KEY}",
                  "    action: notify", "  - id: update", f"    key: {KEY}", "    action: [ update, transfer ]"]
        for zone in zones:
            lines += [f"  - id: update-{zone.name}", f"    key: {KEY}", "    action: update", "    update-owner: name",
                      "    update-owner-match: equal", f"    update-owner-name: [ {', '.join(zone.owners)} ]"] if zone.owners else []
        lines += ["policy:", "  - id: p1", "    algorithm: ecdsap256sha256", "    single-type-signing: on", "zone:"]
        for zone in zones:
            lines += [f"  - domain: {zone.name}.", f"    file: {home}/zones/{zone.name}.zone", "    zonefile-sync: -1"]
            if primary:
                told = [s for s in zone.servers if s in ("knot", "bind", "nsd", "six")]
                self.write(f"{server}/zones/{zone.name}.zone", zone.text())
                lines += [f"    notify: [ {', '.join(told)} ]"] if told else []
                lines += [f"    acl: [ xfer, {f'update-{zone.name}' if zone.owners else 'update'} ]", "    zonefile-load: difference-no-serial", "    journal-content: all",
                          "    serial-policy: increment"]
                lines += ["    dnssec-signing: on", "    dnssec-policy: p1"] if zone.kind == "include" else []
            else:
                lines += [f"    master: {zone.servers[0]}", "    acl: [ notify ]"]
        self.write(f"{server}/knot.conf", "\n".join(lines) + "\n")
        self.launch(server, ["knotd", "-c", home / "knot.conf"])

    def bind(self, server, zones, primary=False):
        home, address = self.dir / server, self.address(server)
        for part in ("run", "zones"):
            (home / part).mkdir(parents=True, exist_ok=True)
        self.use(address)
        lines = [f'key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};', "options {", f'  directory "{home}/zones";',
                 f'  pid-file "{home}/run/pid"; session-keyfile "{home}/run/session.key";',
                 f"  listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no; notify explicit;",
                 f"  transfer-source {address}; notify-source {address}; allow-transfer {{ 127.0.0.0/8; }};",
                 "  allow-notify { 127.0.0.0/8; }; dnssec-validation no; notify-delay 0;", "};", "controls { };"]
        for zone in zones:
            if primary:
                self.write(f"{server}/zones/{zone.name}.zone", zone.text())
                told = "".join(f"{self.address(s)} key {KEY}; " for s in zone.servers if s in ("knot", "nsd"))
                policy = "".join(f"grant {KEY} name {o}.{zone.name} TXT; " for o in zone.owners) or f"grant {KEY} zonesub ANY; "
                lines.append(f'zone "{zone.name}" {{ type primary; file "{zone.name}.zone"; also-notify {{ {told}}}; '
                             f'update-policy {{ {policy}}}; }};')
            else:
                lines.append(f'zone "{zone.name}" {{ type secondary; file "{zone.name}.db"; primaries '
                             f'{{ {self.address(zone.servers[0])} port 53 key {KEY}; }}; }};')
        self.write(f"{server}/named.conf", "\n".join(lines) + "\n")
        self.launch(server, ["named", "-g", "-c", home / "named.conf"])

    def nsd(self, server, zones):
        home, address = self.dir / server, self.address(server)
        for part in ("run", "zones", "db"):
            (home / part).mkdir(parents=True, exist_ok=True)
        lines = ["server:", f"    ip-address: {address}@53", "    server-count: 1", '    username: ""', '    chroot: ""',
                 f'    zonesdir: "{home}/zones"', '    database: ""', f'    zonelistfile: "{home}/db/zone.list"',
                 f'    xfrdfile: "{home}/db/xfrd.state"', f'    xfrdir: "{home}/db"', f'    pidfile: "{home}/run/pid"',
                 "remote-control:", "    control-enable: no", "key:", f'    name: "{KEY}"', "    algorithm: hmac-sha256", f'    secret: "{SECRET}"']
        for zone in zones:
            lines += ["zone:", f'    name: "{zone.name}"', f'    zonefile: "{zone.name}.zone"',
                      f"    request-xfr: {self.address(zone.servers[0])}@53 {KEY}", f"    allow-notify: 127.0.0.0/8 {KEY}"]
        self.write(f"{server}/nsd.conf", "\n".join(lines) + "\n")
        self.launch(server, ["nsd", "-d", "-c", home / "nsd.conf"])

    def root(self):
        """Root and test. by the file; the servers' names lie in test., where their addresses are."""
        home, address = self.dir / "root", self.address("root")
        for part in ("run", "db"):
            (home / part).mkdir(parents=True, exist_ok=True)
        soa = f"SOA ns.root.test. h.root.test. 1 60 30 3600 {NEGATIVE_TTL}"
        self.write("root/root.zone", f"$ORIGIN .\n$TTL 60\n@ {soa}\n@ NS ns.root.test.\ntest. NS ns.root.test.\n"
                                     f"ns.root.test. A {address}\n")
        lines = ["$ORIGIN test.", "$TTL 60", f"@ {soa}", "@ NS ns.root.test.", f"ns.root A {address}"]
        lines += [f"{s}.ns {'AAAA' if s == 'six' else 'A'} {self.address(s)}" for s in NUMBERS if s not in ("root", "resolver")]
        lines += [f"{zone.name}. NS {s}.ns.test." for zone in self.zones if self.is_below_test(zone) for s in zone.servers]
        self.write("root/test.zone", "\n".join(lines) + "\n")
        config = ["server:", f"    rundir: {home}/run", f"    listen: [ {address}@53 ]", "    udp-workers: 1",
                  "    tcp-workers: 1", "    background-workers: 1", "database:", f"    storage: {home}/db", "log:",
                  "  - target: stderr", "    any: info", "zone:", "  - domain: .", f"    file: {home}/root.zone",
                  "  - domain: test.", f"    file: {home}/test.zone"]
        self.write("root/knot.conf", "\n".join(config) + "\n")
        self.launch("root", ["knotd", "-c", home / "knot.conf"])

    def is_below_test(self, zone):
        """Zones below another zone of the bed are delegated there, by its `extra` records."""
        return not any(zone.name.endswith("." + other.name) for other in self.zones)

    def unbound(self):
        home = self.dir / "resolver"
        self.write("resolver/hints", f". 3600 NS ns.root.test.\nns.root.test. 3600 A {self.address('root')}\n")
        lines = ["server:", f'    directory: "{home}"', '    chroot: ""', '    username: ""', f'    pidfile: "{home}/pid"',
                 "    use-syslog: no", '    logfile: ""', "    verbosity: 1", f"    interface: {self.resolver}",
                 "    do-not-query-localhost: no", "    access-control: 127.0.0.0/8 allow", '    module-config: "iterator"',
                 '    root-hints: "hints"', '    local-zone: "test." nodefault', "    num-threads: 1", "    incoming-num-tcp: 500", "    aggressive-nsec: no",
                 f"    outgoing-interface: {self.resolver}", f"    outgoing-interface: {self.six}", "remote-control:",
                 "    control-enable: no"]
        self.write("resolver/unbound.conf", "\n".join(lines) + "\n")
        self.launch("resolver", ["unbound", "-d", "-c", home / "unbound.conf"])

    # Life.

    def use(self, address):
        """Some servers bind only what an interface has."""
        subprocess.run(["ip", "addr", "add", address + ("/128" if ":" in address else "/32"), "dev", "lo"], check=True,
                       capture_output=True)
        self.added.append(address)

    def launch(self, server, command):
        with open(self.dir / f"{server}.log", "ab") as log:
            self.processes[server] = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                                   stderr=log, cwd=self.dir,
                                                   env={**os.environ, **self.environment.get(server, {})})

    def having(self, server):
        return [zone for zone in self.zones if server in zone.servers[(1 if server in EXPECTED else 0):]]

    def __enter__(self):
        return self

    def start(self):
        self.use(self.six)
        self.root()
        self.unbound()
        for server in ("primary", "bprimary"):
            zones = [zone for zone in self.zones if zone.servers[0] == server]
            if zones and server == "primary":
                self.knot(server, zones, self.address(server), primary=True)
            elif zones:
                self.bind(server, zones, primary=True)
        for server, program in EXPECTED.items():
            zones = self.having(server)
            if zones and program == "knot":
                self.knot(server, zones, self.address(server))
            elif zones:
                getattr(self, program)(server, zones)
        if any("refusing" in zone.servers for zone in self.zones):
            self.knot("refusing", [], self.address("refusing"))
        if any("flapping" in zone.servers for zone in self.zones):
            self.run(self.flap)
        for zone in self.zones:
            for server in zone.servers:
                if server not in ("dead", "refusing", "flapping"):
                    until(lambda: query(self.address(server), zone.name, 6)[1], 30, lambda: self.log(server))
        self.thaw()
        return self

    def thaw(self):
        """From now on a lagging secondary is told late, and a stuck one never."""
        if any("lagging" in zone.servers for zone in self.zones):
            self.run(self.lag_behind)

    def run(self, work):
        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()

    def serial(self, server, zone):
        found = query(self.address(server), zone.name, 6)[1]
        return found[0] if found else None

    def lag_behind(self):
        seen = {}
        while not self.stopping.wait(0.2):
            for zone in self.having("lagging"):
                serial = self.serial(zone.servers[0], zone)
                since = seen.setdefault((zone.name, serial), time.monotonic())
                if time.monotonic() - since > self.lag and serial != self.serial("lagging", zone):
                    subprocess.run(["knotc", "-c", self.dir / "lagging/knot.conf", "zone-refresh", zone.name + "."],
                                   capture_output=True)

    def flap(self):
        """Every second question goes to the primary; the others are not answered."""
        n = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front:
            front.bind((self.address("flapping"), 53))
            front.settimeout(0.2)
            while not self.stopping.is_set():
                try:
                    wire, peer = front.recvfrom(4096)
                except OSError:
                    continue
                n += 1
                if n % 2:
                    continue
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
                    back.settimeout(1)
                    try:
                        back.sendto(wire, (self.address("primary"), 53))
                        front.sendto(back.recv(65535), peer)
                    except OSError:
                        pass

    def end(self, server):
        process = self.processes.pop(server)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def add(self, server, zone, owner, text):
        """Somebody else puts a TXT record there."""
        lines = f"server {self.address(server)}\nzone {zone}.\nadd {owner}. 60 TXT {text}\nsend\n"
        subprocess.run(["knsupdate", "-y", f"hmac-sha256:{KEY}:{SECRET}"], input=lines, text=True, check=True, timeout=20)

    def reload(self, zone):
        """What a refresh command does for a zone with included files."""
        return ["knotc", "-c", str(self.dir / "primary/knot.conf"), "-b", "zone-reload", zone.name + "."]

    def log(self, server):
        path = self.dir / f"{server}.log"
        return path.read_text()[-3000:] if path.exists() else f"no log of {server}"

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(5)
        for process in self.processes.values():
            process.terminate()
        for server in list(self.processes):
            self.end(server)
        for address in self.added:
            subprocess.run(["ip", "addr", "del", address + ("/128" if ":" in address else "/32"), "dev", "lo"],
                           capture_output=True)
        self.mark.close()
