# SPDX-License-Identifier: MIT
"""The zoo (tests/zoo) has every command, state, reason and kind, so that none stays untested."""
import re

NAME = "the zoo is complete"

ASKED, BEASTS, CODE, QUIRKS = ("tests/zoo/" + name
                               for name in ("commands.def", "zoo.def", "zoo.c", "zoo.h"))
COMMANDS, WHYS = "proto/commands.def", "proto/whys.def"
PLAN, CONF = "daemon/cert/plan.h", "daemon/conf/conf.h"
# Reasons that no certificate's facts give: nothing gives it; behind another target's step; not
# judged yet; a state of an
# account, which tests/sim/acme_account_sim.c shows to the commands.
NOT_SHOWN = {"NONE", "TARGET_ORDER", "CLOCK", "ACCOUNT"}
READ_ROLES, READ_SHAPES = {"NONE", "OBSERVE"}, {"ROWS", "TEXT", "STREAM"}


def members(tree, path, enum):
    """The members of an enum without its prefix and its count."""
    body = re.search(rf"enum {enum} \{{(.*?)\}}", tree.code(path), re.S)
    names = re.findall(r"^\s*(\w+)|,\s*(\w+)", body[1], re.M) if body else []
    return [a or b for a, b in names if not (a or b).endswith("_COUNT") and not (a or b).isdigit()]


def check_commands(tree):
    how = {}
    for macro in ("READS", "OFFLINE", "CHANGES"):
        for row in tree.rows(ASKED, macro):
            how.setdefault(row[0], set()).add(macro)
    rows = {row[0]: row for row in tree.rows(COMMANDS, "COMMAND")}
    for ident, row in rows.items():
        if ident not in how:
            yield f"{ASKED}: {ident} is missing: READS() with a line, OFFLINE() or CHANGES()"
        elif row[2] in READ_ROLES and row[4] in READ_SHAPES and "READS" not in how[ident]:
            yield f"{ASKED}: {ident} reads, so the zoo has to ask it"
        elif row[2] == "OFFLINE" and "READS" in how[ident]:
            yield f"{ASKED}: no daemon answers {ident}"
    for ident in how.keys() - rows.keys():
        yield f"{ASKED}: there is no command {ident}"


def check_states(tree):
    beasts = list(tree.rows(BEASTS, "BEAST"))
    shown = {"health": {row[7] for row in beasts}, "reason": {row[8] for row in beasts},
             "quirk": {row[6] for row in beasts}}
    wanted = {"health": [name.removeprefix("HEALTH_") for name in members(tree, PLAN, "health")],
              "reason": [row[0] for row in tree.rows(WHYS, "WHY") if row[0] not in NOT_SHOWN],
              "quirk": members(tree, QUIRKS, "quirk")}
    for kind, names in wanted.items():
        if not names:
            yield f"{BEASTS}: no {kind} was found to compare with"
        for name in names:
            if name not in shown[kind]:
                yield f"{BEASTS}: no certificate has the {kind} {name}"


def check_kinds(tree):
    text = tree.text(CODE)
    for enum, prefix, words in (("ca_type", "CA_", "type: {}"), ("format", "FORMAT_", "{}")):
        names = members(tree, CONF, enum)
        if not names:
            yield f"{CODE}: no {enum} was found to compare with"
        for name in names:
            if not re.search(rf"\b{words.format(name.removeprefix(prefix).lower())}\b", text):
                yield f"{CODE}: nothing in the configuration is of the {enum} {name}"


def check(tree):
    yield from check_commands(tree)
    yield from check_states(tree)
    yield from check_kinds(tree)


_COMMANDS = 'COMMAND(STATUS, "status", OBSERVE, "[PATTERN...]", ROWS,\n\t"rows")\n' \
            'COMMAND(RENEW, "renew", OPERATE, "", JOB, "work")\n' \
            'COMMAND(INFO, "info", OFFLINE, "", ROWS, "files")\n'
_ASKED = 'READS(STATUS, "status")\nREADS(STATUS, "status %s")\nCHANGES(RENEW)\n' \
         'OFFLINE(INFO, "info %v")\n'
_BEASTS = 'BEAST("a/b", "self", "", D(1), NO, D(60), NOTHING, OK, WINDOW)\n' \
          'BEAST("a/c", "self", "roll: {a: 1, b: 2}", NO, H(-1), 0, HELD, ABSENT, ABSENT)\n'
_WHYS = 'WHY(NONE, "none", "x")\nWHY(WINDOW, "window", "x")\nWHY(ABSENT, "absent", "x")\n'
_CONF = "enum ca_type { CA_LOCAL, CA_ACME };\n" \
        "enum format {\n\tFORMAT_PEM = 1,\n\tFORMAT_DER = 8,\n};\n"
_CODE = '"  int: {type: local}  le: {type: acme}"\n"formats: [pem, der]"\n'
FINE = {COMMANDS: _COMMANDS, ASKED: _ASKED, BEASTS: _BEASTS, WHYS: _WHYS, CONF: _CONF, CODE: _CODE,
        PLAN: "enum health {\n\tHEALTH_OK,\n\tHEALTH_ABSENT,\n};\n",
        QUIRKS: "enum quirk {\n\tNOTHING,\n\tHELD, /* by, an operator */\n};\n"}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("a new command", COMMANDS,
     _COMMANDS + 'COMMAND(DISCARD, "discard", OPERATE, "CERT", NONE, "drops")\n'),
    ("a command that reads and is not asked", ASKED,
     _ASKED.replace("READS", "XREADS") + "CHANGES(STATUS)\n"),
    ("a command that is gone", ASKED, _ASKED + "CHANGES(EXPLODE)\n"),
    ("a daemon that is asked for what certctl does", ASKED, _ASKED.replace("OFFLINE", "READS")),
    ("a new state of health", PLAN,
     "enum health {\n\tHEALTH_OK,\n\tHEALTH_ABSENT,\n\tHEALTH_ODD,\n};\n"),
    ("a new reason", WHYS, _WHYS + 'WHY(MOON, "moon", "x")\n'),
    ("a quirk that nothing has", QUIRKS, "enum quirk {\n\tNOTHING,\n\tHELD,\n\tODD,\n};\n"),
    ("a new kind of CA", CONF, _CONF.replace("CA_ACME", "CA_ACME, CA_STEP")),
    ("a new format", CONF, _CONF.replace("FORMAT_PEM = 1,", "FORMAT_PEM = 1,\n\tFORMAT_JKS = 2,")),
    ("enums that are not found", CONF, ""),
]]
