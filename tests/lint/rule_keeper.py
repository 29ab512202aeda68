"""The process that holds the keys has no network code in it."""
import os
import subprocess

NAME = "the keeper links no network library"

REFUSED = ("libcurl", "libcares", "libjansson", "libevent", "libnghttp2", "libseccomp")
KEEPER, ENGINE = "daemon/keeper/certd", "daemon/engine/certd-engine"


def needed(tree, program):
    """The dynamic section of a program, as readelf tells it."""
    if tree.is_example:
        return tree.text(program)
    path = os.path.join(tree.build, program)
    if not os.path.exists(path):
        return ""
    return subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True).stdout


def check(tree):
    keeper, engine = needed(tree, KEEPER), needed(tree, ENGINE)
    if "NEEDED" not in keeper:
        yield f"{KEEPER}: has no dynamic section"
    for library in REFUSED:
        if library in keeper:
            yield f"{KEEPER}: links {library}"
    # The engine proves that the names above are those that a program really has.
    for library in ("libevent", "libseccomp", "libcurl", "libcares"):
        if library not in engine:
            yield f"{ENGINE}: does not link {library}, so this rule would not see it"


_SECTION = " 0x0000000000000001 (NEEDED)             Shared library: [%s]\n"
FINE = {KEEPER: _SECTION % "libcrypto.so.3",
        ENGINE: _SECTION % "libevent_core-2.1.so.7" + _SECTION % "libseccomp.so.2" +
        _SECTION % "libcurl.so.4" + _SECTION % "libcares.so.2"}
BROKEN = [("the keeper links " + so, {KEEPER: FINE[KEEPER] + _SECTION % so}) for so in
          ("libcurl.so.4", "libcares.so.2", "libjansson.so.4", "libevent_core-2.1.so.7")]
BROKEN += [("no keeper", {KEEPER: ""}), ("no engine", {ENGINE: ""})]
