# SPDX-License-Identifier: MIT
"""Every source file names its licence in the way that programs read."""
NAME = "source files have their SPDX line"

# The line stands first, or second behind the interpreter of a program.
TEXT = "SPDX-License-Identifier: MIT"
SLASHES, HASH, BLOCK = "// " + TEXT, "# " + TEXT, f"/* {TEXT} */"
LINE_OF = {".c": BLOCK, ".h": BLOCK, ".def": BLOCK, ".go": SLASHES, ".py": HASH, ".sh": HASH,
           "meson.build": HASH}


def wanted(path, text):
    """The SPDX line of a file; None for data, pages and files that cannot hold a comment."""
    if text.startswith("#!"):
        return HASH
    return next((line for end, line in LINE_OF.items() if path.endswith(end)), None)


def check(tree):
    for path in tree.select(""):
        text = tree.text(path)
        line = wanted(path, text)
        if line and line not in text.split("\n", 2)[text.startswith("#!"):][:1]:
            yield f"{path}: does not begin with \"{line}\""


FINE = {
    "lib/x.c": BLOCK + '\n#include "lib/x.h"\n', "lib/meson.build": HASH + "\n",
    "tests/x": "#!/bin/sh\n" + HASH + "\n",
    "tests/main.go": SLASHES + "\n", "docs/x.md": "# X\n", "tests/packages": "gcc\n",
}
BROKEN = [(name, {path: text}) for name, path, text in [
    ("a C file without", "lib/y.c", '#include "lib/y.h"\n'),
    ("an empty file", "lib/y.c", ""),
    ("a header with it below", "lib/y.h", "#ifndef Y\n" + BLOCK + "\n"),
    ("another licence", "lib/y.c", "/* SPDX-License-Identifier: GPL-2.0 */\n"),
    ("a comment of another kind", "lib/y.c", SLASHES + "\n"),
    ("a table without", "proto/y.def", "ROW(a, b)\n"),
    ("a build file without", "daemon/meson.build", "subdir('x')\n"),
    ("a Python file without", "tests/y.py", '"""Y."""\n'),
    ("a program without an ending", "tests/y", "#!/bin/sh\nset -e\n"),
    ("a program with it further down", "tests/y.sh", "#!/bin/sh\nset -e\n" + HASH + "\n"),
]]
