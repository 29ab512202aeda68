# SPDX-License-Identifier: MIT
"""Calls between files go in one direction.

A file here is a pair of x.c and x.h.  It calls another one where one of its function bodies or
macros has the name of a function or macro of the other before a parenthesis.  A circle is a set
of files each of which reaches each other one by calls: none of them can be read, tested or
replaced without all the others.

An address that is handed over is no call.  A table of handlers, an operation with its callback
and a cleanup attribute are how a lower file reaches a higher one without depending on what that
one does, so they are the way in which a circle is opened.  Two implementations of one seam
(clock_real.c, clock_virtual.c) are both called.

OPEN lists the circles that are still to be opened.  It only shrinks: a circle that is not part of
one of its rows is refused, and so is a row without a circle.
"""
import re

NAME = "no files call each other in a circle"

OPEN = [
    "daemon/keeper/publish/challenge daemon/keeper/publish/hand_over daemon/keeper/publish/place "
    "daemon/keeper/publish/refresh daemon/keeper/publish/trouble daemon/keeper/publish/updating",
    "lib/bus/bus lib/bus/job lib/bus/run",
]

SOURCES = ("lib/", "proto/", "client/", "daemon/", "docs/")
_FUNCTION = re.compile(r"^(?P<head>[A-Za-z_][\w \t*]*?)\b(?P<name>\w+)\([^;{}#]*\n"
                       r"\{\n(?P<body>.*?)^\}", re.M | re.S)
_MACRO = re.compile(r"^#[ \t]*define[ \t]+(?P<name>\w+)\((?P<body>(?:[^\n]*\\\n)*[^\n]*)", re.M)
_CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")


class File:
    """A file x.c with x.h: its functions for others, its own functions, and its calls."""

    def __init__(self):
        self.defined, self.own, self.called = set(), set(), set()

    def read(self, code, is_header):
        for function in _FUNCTION.finditer(code):
            hidden = not is_header and "static" in function["head"].split()
            (self.own if hidden else self.defined).add(function["name"])
            self.called.update(_CALL.findall(function["body"]))
        for macro in _MACRO.finditer(code):
            (self.defined if is_header else self.own).add(macro["name"])
            self.called.update(_CALL.findall(macro["body"]))


def read(tree):
    """path without its ending -> File"""
    files = {}
    for path in tree.select(".c", ".h", under=SOURCES):
        files.setdefault(path[:-2], File()).read(tree.code(path), path.endswith(".h"))
    return files


def calls(files):
    """file -> {file that it calls: names of the calls}"""
    where = {}
    for path, file in files.items():
        for name in file.defined:
            where.setdefault(name, set()).add(path)
    graph = {}
    for path, file in files.items():
        graph[path] = {}
        for name in sorted(file.called - file.own - file.defined):
            for other in where.get(name, ()):
                graph[path].setdefault(other, []).append(name)
    return graph


def reach(graph, start):
    """Every file that can be reached from one by calls; the one itself only on a circle."""
    seen, todo = set(), list(graph[start])
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(graph[path])
    return seen


def circles(graph):
    """The sets of two or more files that reach each other."""
    far = {path: reach(graph, path) for path in graph}
    found = {frozenset(other for other in far[path] if path in far[other])
             for path in graph if path in far[path]}
    return sorted(sorted(circle) for circle in found if len(circle) > 1)


def check(tree):
    graph = calls(read(tree))
    rows = [] if tree.is_example else [set(row.split()) for row in OPEN]
    used = []
    for circle in circles(graph):
        row = next((row for row in rows if row >= set(circle)), None)
        used.append(row)
        if row is None:
            for path in circle:
                for other in sorted(set(graph[path]) & set(circle)):
                    names = ", ".join(graph[path][other])
                    yield f"circle of {' '.join(circle)}: {path} calls {names} of {other}"
    for row in rows:
        if row not in used:
            yield f"there is no circle of {' '.join(sorted(row))} any more: its row in OPEN goes"


def _function(head, *called):
    return head + "\n{\n" + "".join(f"\t{name}(1);\n" for name in called) + "}\n"


FINE = {
    "lib/x/low.h": "int low(int x);\n#define LOW(x) low(x)\n",
    "lib/x/low.c": _function("int low(int x)", "high_name"),
    "lib/x/high.h": "int high(int x);\n",
    # No calls: an address, a member, a word in a comment, a static of the same name.
    "lib/x/high.c": _function("int high(int x)", "low", "op.call", "op->low") +
                    _function("static int high_name(int x)"),
    "lib/x/table.c": "int (*const table[])(int) = {high};\n" +
                     _function("int begin(int x)", "table[0]"),
    "lib/x/row.c": _function("int row(int x)", "begin") + "/* high() calls begin() */\n",
}
_LOW_CALLS_HIGH = _function("int low(int x)", "high")
BROKEN = [(name, {**FINE, **files}) for name, files in [
    ("two files call each other", {"lib/x/low.c": _LOW_CALLS_HIGH}),
    ("a circle of three", {"lib/x/mid.c": _function("int mid(int x)", "high"),
                           "lib/x/low.c": _function("int low(int x)", "mid")}),
    ("a call by a macro of a header", {"lib/x/high.h": "#define HIGH(x) high_macro(x)\n",
                                       "lib/x/high.c": _function("int x(int x)", "low"),
                                       "lib/x/low.c": _function("int low(int x)", "HIGH")}),
    ("a call in an inline function",
     {"lib/x/low.h": _function("static inline int f(int x)", "high")}),
    ("a function of several lines",
     {"lib/x/low.c": _function("struct x *low(int x,\n\t       int y)", "high")}),
    ("a circle over folders", {"daemon/y/y.c": _function("void y(int x)", "high"),
                               "lib/x/low.c": _function("int low(int x)", "y")}),
    ("one side of a seam", {"lib/x/low_fake.c": _LOW_CALLS_HIGH}),
]]
