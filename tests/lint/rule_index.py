# SPDX-License-Identifier: MIT
"""Accessors that assert follow an index, and one function decides which version a target has."""
import re

NAME = "indexes and decisions have one place"

# (expression, the files that may write it, what to call instead).
RULES = [
    (r"(\w+)\s*(?:->|\.)\s*cas\s*\[", r"$^",
     "cert_conf_nth_ca(), cert_conf_nth_acme(), cert_conf_ca() or conf_ca_at()"),
    (r"(\w+)\s*(?:->|\.)\s*certs\s*\[", r"daemon/job/fleet\.[ch]$", "conf_cert_at() or fleet_at()"),
    (r"(?!facts\b)\b(\w+)\s*(?:->|\.)\s*targets\s*\[", r"$^",
     "cert_conf_nth_target() or conf_target_at()"),
    (r"(?:->|\.)\s*(cas|certs|targets)\s*\+", r"$^", "the accessors of daemon/conf/index.h"),
    (r"version_id_equal\([^;{]*\bconfirmed\b", r"daemon/cert/target\.c$|daemon/keeper/",
     "target_has_curr()"),
    (r"(?:->|\.)\s*(n_after\b|after\s*\[)", r"daemon/cert/target\.c$", "target_waits_for()"),
]
OWNER = "daemon/conf/"  # builds the tables, and has the accessors (index.h)


def check(tree):
    for path in tree.select(".c", ".h", under=["daemon/"], but=(OWNER,)):
        for pattern, allowed, instead in RULES:
            if re.match(allowed, path):
                continue
            for line, match in tree.matches(path, pattern):
                yield f"{path}:{line}: {match[0].strip()} stands there, use {instead}"


FINE = {
    "daemon/conf/conf.h": "static inline x *conf_ca_at(y *c, size_t i)\n{\n\treturn &c->cas[i];\n"
                          "}\n",
    "daemon/job/fleet.h": "\treturn fleet->certs[place];\n",
    "daemon/job/x.c": "\tf(cert_conf_ca(cert, i), &facts->targets[i], shadow->facts.targets[i], "
                      "certs[i]);\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("a CA by its index", "daemon/job/x.c", "\tca = &conf->cas[i];\n"),
    ("an index of a certificate's list", "daemon/cert/x.c", "\tca = cert->cas[i];\n"),
    ("a CA behind several arrows", "daemon/cert/x.c",
     "\tname = story->all->cas[issuer->ca].name;\n"),
    ("a certificate by its place", "daemon/ctl/x.c", "\tc = fleet->certs[place];\n"),
    ("a target by its index", "daemon/keeper/x.c", "\tt = &conf->targets[cert->targets[i]];\n"),
    ("a second opinion about what a target has", "daemon/job/x.c",
     "\tif (!t || !version_id_equal(&t->confirmed,\n\t\t&facts->curr.id))\n"),
    ("a second order of targets", "daemon/job/x.c", "\tfor (size_t i = 0; i < t->n_after; i++)\n"),
    ("an address by addition", "daemon/keeper/x.c", "\tt = conf->targets + i;\n"),
]]
