# SPDX-License-Identifier: MIT
"""Each vocabulary exists once, and everything that is told by it is complete."""
import re

NAME = "tables are complete"

CATALOG = "systemd/certd.catalog"
EVENTS, COMMANDS, REQUESTS, CODES, OBSERVATIONS = ("proto/" + t + ".def" for t in (
    "events", "commands", "keeper", "codes", "observations"))
PRIORITIES = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERR", "CRIT"}
FIELDS = {"CERT", "TARGET", "JOB", "STEP", "ERROR", "CA", "HOOK", "VERSION", "RESULT", "FILE",
          "LINE"}
DAEMONS = {"NONE", "OBSERVE", "OPERATE", "ADMIN"}  # the roles of commands that reach the daemon


def catalog(text):
    """message id -> text of its entry."""
    return {m[1]: m[2]
            for m in re.finditer(r"^-- ([0-9a-f]+)\n(.*?)(?=^-- |\Z)", text, re.M | re.S)}


def twice(path, rows, column):
    seen = set()
    for row in rows:
        if row[column] in seen:
            yield f"{path}: {row[column]} stands there twice"
        seen.add(row[column])


def check_events(tree):
    rows = list(tree.rows(EVENTS, "EVENT"))
    entries = catalog(tree.text(CATALOG))
    if not rows:
        yield EVENTS + ": has no rows"
    for column in (0, 1, 3):
        yield from twice(EVENTS, rows, column)
    for ident, name, priority, message_id, *_ in rows:
        entry = entries.pop(message_id, None)
        if not re.fullmatch(r"[0-9a-f]{32}", message_id):
            yield f"{EVENTS}: the message id of {name} is not 32 hex digits"
        if priority not in PRIORITIES:
            yield f"{EVENTS}: {name} has the priority {priority}"
        if ident != re.sub(r"[.-]", "_", name).upper():
            yield f"{EVENTS}: {ident} is not called {name}"
        if entry is None:
            yield f"{CATALOG}: {name} ({message_id}) has no entry"
            continue
        if not re.match(r"Subject: .+\nDefined-By: certd\n(.+: .+\n)*\n", entry):
            yield f"{CATALOG}: the head of {name} lacks Subject or Defined-By"
        # The event, the action of certd, the action of the reader.
        least = 3 if priority not in ("INFO", "DEBUG") and name != "cert.deployed" else 2
        if len(re.findall(r"\n\n(?=\S)", entry)) < least:
            yield f"{CATALOG}: {name} does not answer all {least} questions"
        for field in re.findall(r"@([^@\s]*)@", entry):
            if not field.startswith("CERTD_") or field[6:] not in FIELDS:
                yield f"{CATALOG}: {name} uses @{field}@, which no message has"
    for message_id in entries:
        yield f"{CATALOG}: {message_id} is no event"


def check_commands(tree):
    rows = list(tree.rows(COMMANDS, "COMMAND"))
    handlers = " ".join(tree.code(p) for p in tree.select(".c", under=["daemon/ctl/"]))
    manuals = [p for p in tree.select(".1", ".1.in", under=["docs/"]) if "certctl" in p]
    yield from twice(COMMANDS, rows, 0)
    yield from twice(COMMANDS, rows, 1)
    for _, name, role, *_ in rows:
        handler = "cmd_" + re.sub(r"[ -]", "_", name)
        if handlers and role in DAEMONS and not re.search(rf"\b{handler}\(", handlers):
            yield f"{COMMANDS}: {name} has no {handler}() in daemon/ctl"
        for path in manuals:
            if "@" not in tree.text(path) and not re.search(rf"^\.(It|Ss|Sh) .*\b{name}\b",
                                                            tree.text(path), re.M):
                yield f"{path}: has no paragraph on {name}"


def check_requests(tree):
    rows = list(tree.rows(REQUESTS, "REQUEST"))
    handlers = " ".join(tree.code(p) for p in tree.select(".c", under=["daemon/keeper/serve"]))
    yield from twice(REQUESTS, rows, 0)
    yield from twice(REQUESTS, rows, 1)
    for ident, *_ in rows:
        if handlers and not re.search(rf"\bserve_{ident}_request\(", handlers):
            yield f"{REQUESTS}: {ident} has no serve_{ident}_request() in daemon/keeper"


def check_uses(tree):
    """Every event is logged somewhere, so the catalog explains no event that never happens."""
    code = " ".join(tree.code(p)
                    for p in tree.select(".c", ".h",
                                         under=["lib/", "proto/", "daemon/", "client/"]))
    for row in tree.rows(EVENTS, "EVENT"):
        if not re.search(rf"\bEVENT_{row[0]}\b", code):
            yield f"{EVENTS}: nobody says EVENT_{row[0]}"


def check(tree):
    yield from check_events(tree)
    yield from check_commands(tree)
    yield from check_requests(tree)
    for path, macro in ((CODES, "CODE"), (OBSERVATIONS, "OBSERVATION")):
        yield from twice(path, list(tree.rows(path, macro)), 0)
        yield from twice(path, list(tree.rows(path, macro)), 1)
    yield from check_uses(tree)


_ID, _OTHER = "0123456789abcdef" * 2, "f" * 32
_HEAD = "-- " + _ID + "\nSubject: x\nDefined-By: certd\n"
_EVENT = 'EVENT(CERT_ROLLED, "cert.rolled", NOTICE, "' + _ID + '", "it was rolled")\n'
_COMMAND = 'COMMAND(CONFIG_CHECK, "config check", OFFLINE, "[FILE]", TEXT,\n\t"check (a file)")\n' \
           'COMMAND(ROLL, "roll", OPERATE, "[PATTERN...] [--force]", JOB,\n' \
           '\t"make next, current")\n'
FINE = {
    EVENTS: _EVENT, CATALOG: _HEAD + "\nA @CERTD_CERT@.\n\nB.\n\nC.\n", COMMANDS: _COMMAND,
    REQUESTS: 'REQUEST(roll, "roll", "cert=", "rolls")\n',
    CODES: 'CODE(IO, "io", LOCAL, 1, "disk")\n',
    OBSERVATIONS: 'OBSERVATION(LAME, "lame", "it does not have it")\n',
    "daemon/ctl/cmd_roll.c": "int cmd_roll(void)\n{\n\treturn EVENT_CERT_ROLLED;\n}\n",
    "daemon/keeper/serve/serve.c": "int serve_roll_request(void)\n{\n}\n",
    "docs/certctl.1": ".It Ic roll Op Fl -force\n.It Ic config check\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("event without an entry", CATALOG, ""),
    ("entry without an event", CATALOG, FINE[CATALOG] + "\n-- " + _OTHER + "\nSubject: x\n"),
    ("entry without a subject", CATALOG, FINE[CATALOG].replace("Subject: x\n", "")),
    ("entry that does not say what to do", CATALOG, _HEAD + "\nA.\n\nB.\n"),
    ("entry with an unknown field", CATALOG, FINE[CATALOG].replace("CERTD_CERT", "CERTD_NAME")),
    ("message id twice", EVENTS, _EVENT + _EVENT.replace("ROLLED", "X").replace("rolled", "x")),
    ("message id too short", EVENTS, _EVENT.replace(_ID, _ID[1:])),
    ("event with another name", EVENTS, _EVENT.replace("cert.rolled", "cert.moved")),
    ("event with an odd priority", EVENTS, _EVENT.replace("NOTICE", "LOUD")),
    ("event that nobody says", "daemon/ctl/cmd_roll.c", "int cmd_roll(void)\n{\n}\n"),
    ("code word twice", CODES, FINE[CODES] + 'CODE(CERT, "io", LOCAL, 1, "disk")\n'),
    ("observation twice", OBSERVATIONS, FINE[OBSERVATIONS] * 2),
    ("command without a handler", "daemon/ctl/cmd_roll.c", "int a = EVENT_CERT_ROLLED;\n"),
    ("command without a paragraph", "docs/certctl.1", ".It Ic config check\n"),
    ("request without a handler", "daemon/keeper/serve/serve.c", "int serve_fail(void);\n"),
]]
