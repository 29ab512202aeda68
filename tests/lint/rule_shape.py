# SPDX-License-Identifier: MIT
"""A file is one idea, and a stranger can read it in one sitting."""
import os
import re
import subprocess

NAME = "files have their size, essay and format"

# The version of Debian 12, by which the tree is formatted.  Others format in ways of their own.
FORMATTERS = ("14",)

MOST, LEAST = 700, 60
SOURCES = (".c", ".h", ".py", ".sh")
ESSAY, SMALL = 4, 80  # a header says what it is first: in so many lines, or in one when it is small


def lines(tree, path):
    return tree.text(path).count("\n")


def check_size(tree):
    for path in tree.select(*SOURCES):
        if lines(tree, path) > MOST:
            yield f"{path}: has {lines(tree, path)} lines, more than {MOST}"
    # Neighbours that share a prefix (x.c, x_y.c) are one idea in several files; a seam's small side
    # is fine.
    for path in tree.select(".c", under=["lib/", "proto/", "daemon/", "client/"]):
        stem = path[:-2]
        family = [p for p in tree.select(".c", ".h", under=[stem.rsplit("_", 1)[0] if "_" in
                                                            os.path.basename(stem) else stem])]
        folder = [p for p in tree.select(".c", ".h", under=[os.path.dirname(path) + "/"])]
        if sum(lines(tree, p) for p in family) < LEAST and sum(lines(tree, p)
                                                               for p in folder) < LEAST * 4:
            yield f"{path}: has {lines(tree, path)} lines, too few for an idea of its own"


def check_header(tree, path):
    text = tree.text(path)
    guard = "CERTD_" + re.sub(r"[/.]", "_", path).upper()
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield f"{path}: the guard is not {guard}"
    first = re.search(r"^(struct \w+ \{|enum \w+ \{|typedef |[a-z][^;#]*\()", text, re.M)
    before = text[:first.start()] if first else text
    essay = max((c.count("\n") + 1 for c in re.findall(r"/\*.*?\*/", before, re.S)), default=0)
    if essay < (ESSAY if text.count("\n") > SMALL else 1):
        yield f"{path}: does not say what it is, and who owns what, before it declares"


def check_functions(tree, path):
    """A function fits on a screen or two; tables and task bodies (AWAIT) may be longer."""
    code = tree.code(path)
    for body in re.finditer(r"^\{\n(.*?)^\}", code, re.M | re.S):
        if body[1].count("\n") > 100 and "AWAIT" not in body[1]:
            line, length = code.count("\n", 0, body.start()) + 1, body[1].count("\n")
            yield f"{path}:{line}: a function of {length} lines"


def formatter():
    """The version of clang-format, '' without one."""
    try:
        said = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return re.search(r"version (\d+)", said)[1]


def left_out():
    """The check that cannot run here, and the reason."""
    if formatter() not in FORMATTERS:
        found = formatter() or "not there"
        yield "the format", f"clang-format is {found}, not one of {', '.join(FORMATTERS)}"


def check_format(tree):
    if formatter() not in FORMATTERS:
        return
    if tree.is_example:
        for path in tree.select(".c", ".h"):
            done = subprocess.run(["clang-format", "--style=file:" + STYLE,
                                   "--assume-filename=x.c"],
                                  input=tree.text(path), text=True, capture_output=True, check=True)
            if done.stdout != tree.text(path):
                yield f"{path}: clang-format would change it"
        return
    paths = [os.path.join(tree.root, p) for p in tree.select(".c", ".h")]
    done = subprocess.run(["clang-format", "--dry-run", *paths], capture_output=True, text=True,
                          check=False)
    for path in {line.split(":")[0] for line in done.stderr.splitlines()
                 if "clang-format-violations" in line}:
        yield f"{os.path.relpath(path, tree.root)}: clang-format would change it"
    if done.returncode != 0:
        yield "clang-format failed: " + done.stderr[:300]


STYLE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                     ".clang-format")


def check(tree):
    yield from check_size(tree)
    for path in tree.select(".h"):
        yield from check_header(tree, path)
    for path in tree.select(".c", under=["lib/", "proto/", "daemon/", "client/"]):
        yield from check_functions(tree, path)
    yield from check_format(tree)


_HEADER = "#ifndef CERTD_LIB_X_X_H\n#define CERTD_LIB_X_X_H\n\n" \
          "/*\n * What it is,\n * and who owns what.\n */\n\nint x(void);\n\n#endif\n"
_BODY = "int x(void)\n{\n" + "\tx();\n" * 60 + "\treturn 0;\n}\n"
_MACROS = "static int fill(STACK_OF(X509) **list)\n{\n" \
          "\tstruct x *x CLEANUP(x_done) = x_new();\n\tint e;\n\n" \
          "\tlist_each(x, list)\n\t\tif (x)\n\t\t\tsay(\"" + "a sentence " * 9 + \
          "\");\n\treturn 0;\n}\n"
FINE = {"lib/x/x.h": _HEADER, "lib/x/x.c": _BODY, "tests/x_macros.c": _MACROS}
# Only where the format is checked.
_FORMAT = [] if formatter() not in FORMATTERS else [
    ("spaces instead of a tab", "lib/x/x.c", _BODY.replace("\treturn", "        return")),
    ("a pointer to a stack that looks like a product", "tests/x_macros.c",
     _MACROS.replace("**list", "* *list")),
    ("a loop over a list that looks like a call", "tests/x_macros.c",
     _MACROS.replace("list)\n\t\tif", "list) if").replace("\t\t\tsay", "\t\tsay")),
    ("braces around a word too many", "lib/x/x.c", _BODY.replace("\n{", " {")),
]
BROKEN = [(name, {path: text}) for name, path, text in [
    ("a file of 701 lines", "lib/x/long.c", "int x;\n" * 701),
    ("a file of ten lines", "lib/y/y.c", "int x;\n" * 10),
    ("another guard", "lib/x/x.h", _HEADER.replace("LIB_X", "LIB_Y")),
    ("a large header that explains nothing", "lib/x/x.h",
     _HEADER.replace(" * and who owns what.\n", "").replace("int x(void);\n",
                                                            "int x(void);\n" * 80)),
    ("a header that explains afterwards", "lib/x/x.h",
     _HEADER.replace("/*\n * What", "void y(void);\n/*\n * What")),
    ("a header without a comment", "lib/x/x.h", re.sub(r"/\*.*?\*/\n\n", "", _HEADER, flags=re.S)),
    ("a function of 120 lines", "lib/x/x.c", _BODY.replace("\tx();\n", "\tx();\n\tx();\n")),
    *_FORMAT,
]]
