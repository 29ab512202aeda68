# SPDX-License-Identifier: MIT
"""The process that holds the keys has no network code in it."""
import os
import re
import subprocess

NAME = "the keeper links no network library"

REFUSED = ("libcurl", "libcares", "libjansson", "libevent", "libnghttp2", "libseccomp")
# ldns composes updates for it, and would ask name servers, too.
ASKS = re.compile(r"\bldns_(resolver|send|tcp|udp|axfr|getaddr|get_rr_list|lookup|fetch|chase|"
                  r"dnssec_trust)\w*")
KEEPER, ENGINE = "daemon/keeper/certd", "daemon/engine/certd-engine"


def needed(tree, program):
    """The dynamic section and symbols of a program, as readelf tells them."""
    if tree.is_example:
        return tree.text(program)
    path = os.path.join(tree.build, program)
    if not os.path.exists(path):
        return ""
    return subprocess.run(["readelf", "-dW", "--dyn-syms", path], capture_output=True, text=True,
                          check=True).stdout


def check(tree):
    keeper, engine = needed(tree, KEEPER), needed(tree, ENGINE)
    if "NEEDED" not in keeper:
        yield f"{KEEPER}: has no dynamic section"
    for library in REFUSED:
        if library in keeper:
            yield f"{KEEPER}: links {library}"
    for symbol in ASKS.finditer(keeper):
        yield f"{KEEPER}: calls {symbol[0]}()"
    # The engine proves that the names above are those that a program really has.
    for library in ("libevent", "libseccomp", "libcurl", "libcares"):
        if library not in engine:
            yield f"{ENGINE}: does not link {library}, so this rule would not see it"


_SECTION = " 0x0000000000000001 (NEEDED)             Shared library: [%s]\n"
_SYMBOL = "    12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND %s\n"
FINE = {KEEPER: _SECTION % "libcrypto.so.3" + _SECTION % "libldns.so.3" + _SYMBOL
        % "ldns_update_pkt_new",
        ENGINE: _SECTION % "libevent_core-2.1.so.7" + _SECTION % "libseccomp.so.2" +
        _SECTION % "libcurl.so.4" + _SECTION % "libcares.so.2"}
BROKEN = [("the keeper links " + so, {KEEPER: FINE[KEEPER] + _SECTION % so}) for so in
          ("libcurl.so.4", "libcares.so.2", "libjansson.so.4", "libevent_core-2.1.so.7")]
BROKEN += [("the keeper calls " + name, {KEEPER: FINE[KEEPER] + _SYMBOL % name}) for name in
           ("ldns_resolver_query", "ldns_udp_send", "ldns_tcp_connect")]
BROKEN += [("no keeper", {KEEPER: ""}), ("no engine", {ENGINE: ""})]
