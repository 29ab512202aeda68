# SPDX-License-Identifier: MIT
"""Includes follow the order of the folders, and each foreign library has one place."""
import re

NAME = "includes follow the order of the folders"

# The includes of a folder beside itself and lib/base; "lib/*" is any library but its users.
ORDER = ["daemon/conf", "daemon/cert", "daemon/link",
         "daemon/dns/resolve", "daemon/dns/rules", "daemon/dns/watch", "daemon/dns/update",
         "daemon/dns",
         "daemon/acme", "daemon/deploy", "daemon/job", "daemon/ctl", "daemon/engine"]
SIBLINGS = [{"daemon/acme", "daemon/deploy"},
            {"daemon/dns/rules", "daemon/dns/watch", "daemon/dns/update"}]
# The rooms of the keeper, from the lowest up; its own folder has main() and is above them all.
ROOMS = ["daemon/keeper/" + room for room in
         ("files", "store", "run", "copy", "ca", "check", "publish", "serve",
          "launch")] + ["daemon/keeper"]
KEEPER = {"daemon/conf", "proto", "lib/base", "lib/log", "lib/task", "lib/yaml", "lib/crypt",
          "lib/wire", "lib/bus"}
# docs/manual.c writes reference pages from tables
MANUAL = {"daemon/conf", "proto", "lib/base", "lib/log"}
CLIENT = {"client", "client/completion", "proto", "lib/base", "lib/log", "lib/crypt"}

# The pure core has neither input nor output: all of a folder, and the files of daemon/dns that
# judge.
CORE = re.compile(r"^daemon/(cert/|dns/(watch/evidence(_tell)?|rules/(caa|persist)|"
                  r"resolve/server_role)\.)")
CORE_REFUSES = re.compile(r"^(lib/(task|net|bus|log)/.*|lib/base/(file|clock|rand)\.h"
                          r"|(unistd|fcntl|poll|pthread|signal|dirent)\.h|sys/.*)$")

# A foreign header, and the only files that may know it.
FOREIGN = [
    (r"openssl/", r"lib/crypt/"),
    (r"yaml\.h", r"lib/yaml/"),
    (r"event2/", r"lib/task/loop_event\.c$"),
    (r"curl/", r"lib/net/http_curl(_error)?\.c$"),
    (r"ares.*\.h", r"lib/net/"),
    (r"jansson\.h", r"lib/json/json\.c$"),
    (r"ldns/", r"lib/wire/"),
    (r"idn2\.h", r"lib/wire/"),
    (r"systemd/", r"lib/log/journal\.c$|lib/bus/|lib/task/loop_sd\.c$"),
    (r"seccomp\.h", r"daemon/engine/syscalls\.c$"),
    (r"linux/landlock\.h", r"daemon/engine/landlock\.c$"),
]

# Headers for every program: ISO C, POSIX and the kernel, as the C library ships them.
COMMON = re.compile(
    r"^(sys|netinet|arpa|net|linux)/[a-z0-9_]+\.h$|^(assert|ctype|dirent|dlfcn|endian|errno|fcntl|"
    r"fnmatch|getopt|glob|grp|inttypes|langinfo|libgen|limits|locale|malloc|math|netdb|poll|"
    r"pthread|pwd|regex|sched|semaphore|setjmp|"
    r"signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|"
    r"sysexits|"
    r"syslog|termios|time|uchar|unistd|wchar|wctype)\.h$")


def folder(path):
    return path.rpartition("/")[0]


def may_include(user, used):
    """May a file in folder `user` include a header of folder `used`?"""
    if user == used or used == "lib/base":
        return True
    if user == "lib/base":
        return False
    if user.startswith("lib/"):
        return used.startswith("lib/")
    if user == "proto":
        return used.startswith("lib/")
    if user.startswith("client"):
        return used in CLIENT
    if user == "docs":
        return used in MANUAL
    if user in ROOMS:
        return used in KEEPER or used in ROOMS and ROOMS.index(used) < ROOMS.index(user)
    if user not in ORDER:
        return False
    if used in ORDER:
        return ORDER.index(used) < ORDER.index(user) and not any({user, used} <= siblings
                                                                 for siblings in SIBLINGS)
    return used.startswith("lib/") or used == "proto"


def check_foreign(tree, path, line, header):
    for pattern, place in FOREIGN:
        if re.match(pattern, header):
            if not path.startswith("tests/") and not re.match(place, path):
                yield f"{path}:{line}: <{header}> belongs to {place} alone"
            return
    if not COMMON.match(header):
        yield f"{path}:{line}: no place is named for <{header}>"


def check_order_within(tree, path):
    """Own header, or those of the seam it implements, then the system's, then ours."""
    own = path[:-2] + ".h"
    seen = [(line, ours, what) for line, ours, what in tree.includes(path)
            if not what.endswith(".def")]
    if tree.has(own) and path.endswith(".c"):
        if not seen or seen[0][2] != own:
            yield f"{path}: does not begin with its own header"
    while path.endswith(".c") and seen and folder(seen[0][2]) == folder(path):
        seen = seen[1:]
    for (_, before, _), (line, ours, what) in zip(seen, seen[1:]):
        if before and not ours:
            yield f"{path}:{line}: <{what}> stands behind our own headers"


def check_cycles(tree, edges):
    """Libraries include each other in one direction only."""
    for one, other in edges:
        if (other, one) in edges and one < other:
            yield f"{one} and {other} include each other"


def check(tree):
    edges = set()
    for path in tree.select(".c", ".h"):
        tested = path.startswith("tests/")
        for line, ours, what in tree.includes(path):
            if not ours:
                yield from check_foreign(tree, path, line, what)
            elif not tree.has(what):
                yield f"{path}:{line}: there is no {what}"
            if CORE.match(path) and CORE_REFUSES.match(what):
                yield f"{path}:{line}: the pure core includes {what}"
            if not ours or tested or what.endswith(".def"):
                continue
            if not may_include(folder(path), folder(what)):
                yield f"{path}:{line}: {folder(path)} may not include {what}"
            if folder(path) != folder(what):
                edges.add((folder(path), folder(what)))
        if not tested:
            yield from check_order_within(tree, path)
    yield from check_cycles(tree, edges)


FINE = {
    "lib/base/err.h": "", "lib/base/clock.h": "", "lib/log/log.h": "", "lib/task/task.h": "",
    "lib/net/http.h": "",
    "lib/bus/bus.h": "", "proto/line.h": "", "proto/events.def": "", "daemon/conf/conf.h": "",
    "daemon/cert/plan.h": '#include "daemon/conf/conf.h"\n', "daemon/dns/zone.h": "",
    "daemon/deploy/target.h": "",
    "daemon/dns/watch/propagation.c": '#include "lib/task/task.h"\n',
    "daemon/dns/watch/round.h": "", "daemon/acme/precheck.h": '#include "daemon/dns/zone.h"\n',
    "daemon/job/job.h": '#include "daemon/cert/plan.h"\n', "daemon/keeper/serve/serve.h": "",
    "daemon/keeper/launch/engine.h": '#include "lib/task/task.h"\n',
    "lib/log/log.c": '#include "lib/log/log.h"\n\n#include <stdio.h>\n\n#include "lib/base/err.h"\n'
                     '#include "proto/events.def"\n',
    "lib/crypt/key.c": "#include <openssl/evp.h>\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("base includes another library", "lib/base/err.c", '#include "lib/log/log.h"\n'),
    ("a library includes the protocol", "lib/log/sink.c", '#include "proto/line.h"\n'),
    ("the protocol includes the daemon", "proto/x.c", '#include "daemon/conf/conf.h"\n'),
    ("the client includes the daemon", "client/main.c", '#include "daemon/conf/conf.h"\n'),
    ("the client includes tasks", "client/main.c", '#include "lib/task/task.h"\n'),
    ("conf includes cert", "daemon/conf/conf.c", '#include "daemon/cert/plan.h"\n'),
    ("cert includes a job", "daemon/cert/plan.c", '#include "daemon/job/job.h"\n'),
    ("deploy includes acme", "daemon/deploy/x.c", '#include "daemon/acme/precheck.h"\n'),
    ("dns includes acme", "daemon/dns/x.c", '#include "daemon/acme/precheck.h"\n'),
    ("the core reads a clock", "daemon/cert/x.c", '#include "lib/base/clock.h"\n'),
    ("the core knows tasks", "daemon/cert/x.c", '#include "lib/task/task.h"\n'),
    ("the core of dns knows tasks", "daemon/dns/watch/evidence.h", '#include "lib/task/task.h"\n'),
    ("the core does input", "daemon/cert/x.c", "#include <unistd.h>\n"),
    ("the keeper knows the network", "daemon/keeper/x.c", '#include "lib/net/http.h"\n'),
    ("the keeper's loop in a second file", "lib/task/loop.c",
     "#include <systemd/sd-event.h>\n"),
    ("a room of the keeper includes a higher one", "daemon/keeper/store/x.c",
     '#include "daemon/keeper/serve/serve.h"\n'),
    ("what finds name servers includes what watches them", "daemon/dns/resolve/x.c",
     '#include "daemon/dns/watch/round.h"\n'),
    ("rules of dns include what watches", "daemon/dns/rules/x.c",
     '#include "daemon/dns/watch/round.h"\n'),
    ("the engine includes the keeper", "daemon/engine/x.c",
     '#include "daemon/keeper/serve/serve.h"\n'),
    ("an unknown folder", "daemon/misc/x.c", '#include "daemon/conf/conf.h"\n'),
    ("OpenSSL outside of crypt", "daemon/job/x.c", "#include <openssl/evp.h>\n"),
    ("systemd outside of its places", "daemon/engine/x.c", "#include <systemd/sd-daemon.h>\n"),
    ("libcurl outside of its file", "lib/net/header.c", "#include <curl/curl.h>\n"),
    ("jansson outside of its file", "daemon/job/x.c", "#include <jansson.h>\n"),
    ("libevent in a second file", "lib/task/task.c", "#include <event2/event.h>\n"),
    ("a library without a place", "lib/log/x.c", "#include <glib.h>\n"),
    ("a header that is not there", "lib/log/x.c", '#include "lib/log/nothing.h"\n'),
    ("a relative header", "lib/log/x.c", '#include "log.h"\n'),
    ("own header not first", "lib/log/log.c", '#include <stdio.h>\n#include "lib/log/log.h"\n'),
    ("system header last", "lib/log/x.c",
     '#include "lib/log/log.h"\n#include "lib/base/err.h"\n#include <stdio.h>\n'),
    ("a cycle of libraries", "lib/task/task.h", '#include "lib/net/http.h"\n'),
]]
BROKEN[-1][1]["lib/net/http.h"] = '#include "lib/task/task.h"\n'
