# SPDX-License-Identifier: MIT
"""The source tree as the rules see it: a real one, or an example made of a few strings."""
import os
import re

# Comments, strings and characters, so that a word in them is not taken for code.
_NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.M)
_ROW = re.compile(r'^[ \t]*([A-Z_]+)\(((?:[^()"]|"(?:\\.|[^"\\])*"|\([^()]*\))*)\)', re.M)


class Tree:
    """Files by path from the root.  Build folders and hidden ones are not part of it."""

    def __init__(self, root=None, files=None, build=None):
        self.root, self.build, self._files = root, build, files
        self.is_example = root is None
        self.paths = sorted(files) if self.is_example else sorted(self._walk())
        self._texts, self._codes = {}, {}

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if not f.startswith((".", "__"))
                          and not (folder == self.root and f.startswith("build"))
                          and not os.path.exists(os.path.join(folder, f, "meson-info"))]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def text(self, path):
        if self.is_example:
            return self._files.get(path, "")
        if path not in self._texts:
            try:
                with open(os.path.join(self.root, path), encoding="utf-8") as file:
                    self._texts[path] = file.read()
            except (FileNotFoundError, UnicodeDecodeError):
                self._texts[path] = ""
        return self._texts[path]

    def select(self, *suffixes, under=("",), but=()):
        for path in self.paths:
            if (path.endswith(suffixes) and path.startswith(tuple(under)) and
                    not path.startswith(tuple(but))):
                yield path

    def has(self, path):
        return path in self.paths

    def includes(self, path):
        """(line number, is it of ours, what) for each #include."""
        text = self.text(path)
        for match in _INCLUDE.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]

    def code(self, path):
        """The text with comments and literals blanked out, lines kept."""
        def blank(match):
            gone = re.sub(r"[^\n]", " ", match[0])
            return '"' + gone[1:-1] + '"' if match[0][0] == '"' else gone
        if path not in self._codes:
            self._codes[path] = _NOT_CODE.sub(blank, self.text(path))
        return self._codes[path]

    def matches(self, path, pattern):
        """(line number, match) of a pattern in the code of a file."""
        code = self.code(path)
        for match in re.finditer(pattern, code, re.M):
            yield code.count("\n", 0, match.start()) + 1, match

    def rows(self, path, macro):
        """The arguments of each row of a table, unquoted."""
        text = re.sub(r"/\*.*?\*/", "", self.text(path), flags=re.S)
        for match in _ROW.finditer(text):
            if match[1] == macro:
                yield [part.strip().strip('"') for part in
                       re.findall(r'\s*((?:"(?:\\.|[^"\\])*"\s*)+|[^,"]+)', match[2])]
