# SPDX-License-Identifier: MIT
"""Comments are plain English: their subjects are nouns, and a header begins with a definition."""
import re

from prose import comments, sentences

NAME = "comments are plain, headers define, lines are short"

# Folders and files that are done.  The list grows until it is the whole tree, and goes then.
CLEAN = [
    "daemon/acme/", "daemon/conf/", "daemon/job/",
    "client/",
    "daemon/cert/",
    "daemon/ctl/",
    "daemon/deploy/",
    "daemon/dns/",
    "daemon/engine/",
    "daemon/keeper/ca/",
    "daemon/keeper/check/",
    "daemon/keeper/copy/",
    "daemon/keeper/files/",
    "daemon/keeper/launch/",
    "daemon/keeper/main.c",
    "daemon/keeper/offline",
    "daemon/keeper/run/",
    "daemon/keeper/serve/",
    "daemon/keeper/store/",
    "daemon/link/",
    "lib/",
    "proto/",
    "systemd/",
    "tests/fuzz/",
    "tests/lint/",
    "tests/power/",
    "tests/zoo/",
]
SOURCES = (".c", ".h", ".def", ".py", ".build")
COLUMNS = 100  # with tabs that count 8
MUST_EXPLAIN = 250  # lines of a file whose statics share state

# A sentence has a subject that names the thing.
RIDDLE = re.compile(r"(?:What|Who|Whoever|Somebody|Those|The ones? who)\b")
PEOPLE = re.compile(r"(?i)(?<!`)\b(whoever|somebody|nobody|anybody|everybody)\b")

# "A publish queue makes ...": a noun and a verb.  A verb that a definition needs is added here.
NO_NOUN = re.compile(r"(?i)(what|which|how|here|where|when|why|who|whose|all that|this|these|those|"
                     r"it|they|to|if)\b")
VERBS = """
    is are has have does holds makes keeps reads writes answers asks sends finds gives says
    runs maps lists describes names defines decides declares turns checks tells connects
    parses decodes encodes carries contains represents provides collects counts stores shows
    prints begins starts stops ends waits watches picks converts compares signs verifies
    publishes removes stands belongs consists owns limits calls serves opens speaks loads
    follows splits joins takes measures changes chooses computes translates returns uses puts
    sets looks gets leaves brings works links needs accepts selects fills reports orders
    replaces lives records cuts can may must
""".split()
VERB = re.compile(r"\b(" + "|".join(VERBS) + r")\b")

# A static variable is state, and so is a struct of the file's own that several functions change.
# A paragraph that begins with "State:" or "States:" explains it.
SHARED = 3
STATE = re.compile(r"^(?:struct (?P<own>\w+) \{$|static (?!(?:inline )?[^;={]*\()(?!const\b)(?![^;"
                   r"=]*\*const\b)[^;={(]*[;=])", re.M)
EXPLAINED = re.compile(r"(?:^|[.:!?] )States?: \S")

# Names that the tree has given up: (pattern, the word instead), in code and in names of files.
GONE = [
    (r"\bdns_(account|lane|turn|pace|peer)\b",
     "dns_flow, dns_queue, dns_waiter, dns_scheduler, dns_server"),
    (r"\bdns_(turn_end|probe_take|deliver_take|pace_done)\b",
     "dns_waiter_end, dns_..._enqueue, dns_scheduler_done"),
    (r"\bclimb\b", "next_attempt"),
    (r"\bvisitors?\b|\bvisit_read\b|\bVISIT_\w+", "http_conn, http_request"),
    (r"\btls_(cards?|answers?)(?=\b|_)", "tls_alpn_cert, tls_alpn, tls_handshake"),
    (r"\b(cert|key|csr)_brief(?=\b|_)", "der_peek"),
    (r"\basking_(start|release)\b|\bctl/asking\b", "deferred"),
    (r"\b(lookouts?|lookout_\w+)\b", "poller"),
    (r"\b(visible_(at|args|wait|tell|done|wanted|say_\w+|fail_\w+))\b", "propagation"),
    (r"\b(witness_(note|is_due|of)|n_witnesses)\b", "server_state"),
    (r"\b(sights?|sighting|sighting_\w+|SIGHT_[A-Z_]+)\b", "observation, classify"),
    (r"\b(summon)\b", "sync_servers"),
    (r"\b(zone_doubt)\b", "zone_invalidate"),
    (r"\b(spares_extras)\b", "skip_extras"),
    (r"\b(cut_(remember|add|turn|known|forget|drop)|zones->cuts)\b", "delegation"),
    (r"\b(search_(op|join|is_on|failed|end|begin)|zones->searches)\b", "inflight"),
]


def is_clean(tree, path):
    return tree.is_example or path.startswith(tuple(CLEAN))


def check_comments(path, found):
    for line, comment in found:
        for number, sentence in enumerate(sentences(comment)):
            start = sentence.lstrip("\"'(`")
            if RIDDLE.match(start[:1].upper() + start[1:] if number == 0 else start):
                yield f"{path}:{line}: \"{sentence[:40]}\" does not begin with a noun"
        for match in PEOPLE.finditer(comment):
            yield f"{path}:{line}: \"{match[0]}\" has a name"


def check_definition(path, found):
    """The first comment of a header says what the thing is."""
    if not found:
        return
    line, comment = found[0]
    first = re.sub(r" \([^()]*\)", "", sentences(comment)[0])
    if NO_NOUN.match(first) or not VERB.search(first.split(";")[0]):
        yield f"{path}:{line}: \"{first[:50]}\" is no definition: noun, verb"


def check_columns(tree, path):
    for number, line in enumerate(tree.text(path).split("\n"), 1):
        if len(line.expandtabs(8)) > COLUMNS:
            yield f"{path}:{number}: has {len(line.expandtabs(8))} columns, more than {COLUMNS}"


def check_states(tree, path, found):
    if tree.text(path).count("\n") <= MUST_EXPLAIN or any(EXPLAINED.search(text)
                                                          for _, text in found):
        return
    code = tree.code(path)
    for line, match in tree.matches(path, STATE.pattern):
        if not match["own"] or len(re.findall(rf"(?<!const )\bstruct {match['own']} \*",
                                              code)) >= SHARED:
            yield (f"{path}:{line}: no paragraph \"State: ...\" says how the file's state changes "
                   "and who frees it")
            return


def check_gone(tree, path):
    for pattern, instead in GONE:
        if re.search(pattern, path):
            yield f"{path}: the file is named {instead} now"
        for line, match in tree.matches(path, pattern):
            yield f"{path}:{line}: {match[0]} is {instead} now"


def check(tree):
    for path in tree.select(*SOURCES):
        if path.endswith((".c", ".h", ".def")):
            yield from check_gone(tree, path)
        if not is_clean(tree, path):
            continue
        found = list(comments(path, tree.text(path)))
        yield from check_columns(tree, path)
        yield from check_comments(path, found)
        if path.endswith(".h"):
            yield from check_definition(path, found)
        if path.endswith(".c"):
            yield from check_states(tree, path, found)


_HEADER = "/* A queue makes changes in batches. */\nint f(void);\n"
_LONG = "static int n_open;\n" + "int f(void)\n{\n\treturn 0;\n}\n" * 63
_STATE = "/*\n * A file of x.\n *\n * State: n_open counts the files that are open.\n */\n"
FINE = {
    "lib/q/q.h": "/* SPDX-License-Identifier: MIT */\n" + _HEADER,
    "lib/q/q.c": "/* The number says what is left, and whose.  RFC 8555, 7.4. */\nint f; /* in "
                 "seconds */\n"
                 "static const char *what = \"Who is nobody?\";\n",
    "lib/q/user.c": "/* Files of the user `nobody` stay. */\n",
    "lib/q/long.c": _STATE + _LONG,
    "lib/q/pure.c": "struct row {\n\tint n;\n};\n" + _LONG.replace("n_open", "f(void)"),
    "lib/q/q.py": '"""The queue as Python sees it."""\n# One more.\nwhat = "What, # Who"\n',
    "lib/q/meson.build": "# The files.\nx = 'Who is # What'\n",
    "lib/q/codes.def": "CODE(X, \"what\") /* a word */\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("a comment that begins with What", "lib/q/q.c", "/* What is left. */\n"),
    ("one that begins in lower case", "lib/q/q.c", "int f; /* who waits */\n"),
    ("a second sentence that does", "lib/q/q.c",
     "/*\n * The queue.  Whoever waits\n * waits.\n */\n"),
    ("a line comment", "lib/q/q.c", "// Those that wait\n"),
    ("the one who", "lib/q/q.h", _HEADER.replace("int", "/* The one who asks frees it. */\nint")),
    ("a row's comment", "lib/q/codes.def", "CODE(X) /* Who it is */\n"),
    ("a Python comment", "lib/q/q.py", "x = 1  # What is left\n"),
    ("a second line of a Python comment", "lib/q/q.py", "# The queue.\n# Who waits, waits.\n"),
    ("a docstring", "lib/q/q.py", 'def f():\n    """What is left."""\n'),
    ("a comment of meson", "lib/q/meson.build", "# Who builds\n"),
    ("somebody", "lib/q/q.c", "/* The lock belongs to somebody. */\n"),
    ("a possessive", "lib/q/q.c", "/* nobody's turn */\n"),
    ("a header that begins with a question", "lib/q/q.h", "/* How a queue makes changes. */\n"),
    ("a header without a verb", "lib/q/q.h", "/* The batches of a queue; it makes them. */\n"),
    ("a header about itself", "lib/q/q.h", "/* This makes changes. */\n"),
    ("101 columns", "lib/q/q.c", "/* " + "x" * 95 + " */\n"),
    ("columns of tabs", "lib/q/q.c", "\t\t\t\t\t\t\t\t\t\t\t\t\tf();\n"),
    ("a long row", "lib/q/codes.def", "CODE(" + "x" * 96 + ")\n"),
    ("a long line of Python", "lib/q/q.py", "x" * 101 + "\n"),
    ("a name that is gone", "lib/q/q.c", "struct dns_lane *x;\n"),
    ("a file's name that is gone", "lib/q/visitor.c", "int x;\n"),
    ("a static without a paragraph", "lib/q/long.c", _LONG),
    ("a shared struct without one", "lib/q/long.c",
     "struct set {\n\tint n;\n};\n" +
     _LONG.replace("static int n_open;\n", "").replace("(void)", "(struct set *s)")),
]]
