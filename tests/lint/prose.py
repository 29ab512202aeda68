# SPDX-License-Identifier: MIT
"""The comments of a source file: the line of each, and its text without markers and line breaks."""
import ast
import io
import re
import tokenize

_C = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_MESON = re.compile(r"#[^\n]*|'(?:\\.|[^'\\\n])*'")
_SENTENCE = re.compile(r'(?<=[.!?])["\')]*\s+(?=[A-Z"\'(`])')


def _joined(pieces):
    """Comments of one line each, joined where they follow each other on lines of their own."""
    last = None
    for line, alone, text in pieces:
        if text.startswith("SPDX-License-Identifier"):
            continue
        if last and alone and last[1] and line == last[2] + 1:
            last = (last[0], True, line, last[3] + " " + text)
            continue
        if last:
            yield last[0], last[3]
        last = (line, alone, line, text)
    if last:
        yield last[0], last[3]


def _hashes(text, pattern):
    for match in pattern.finditer(text):
        if match[0][0] == "#":
            before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
            yield text.count("\n", 0, match.start()) + 1, not before.strip(), match[0][1:].strip()


def _c_comments(text):
    for match in _C.finditer(text):
        if match[0][0] == "/" and "SPDX-License-Identifier" not in match[0]:
            inner = match[0][2:-2] if match[0][1] == "*" else match[0][2:]
            yield (text.count("\n", 0, match.start()) + 1,
                   " ".join(" ".join(re.sub(r"^[ \t]*\*", "", line)
                                     for line in inner.split("\n")).split()))


def _python_comments(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    yield from _joined((token.start[0], not token.line[:token.start[1]].strip(),
                        token.string[1:].strip())
                       for token in tokens if token.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.body and ast.get_docstring(node) is not None:
                yield node.body[0].lineno, " ".join(ast.get_docstring(node).split())


def comments(path, text):
    """(line number, text) of each comment in a file of C, Python or meson."""
    if path.endswith(".py"):
        yield from _python_comments(text)
    elif path.endswith(".build"):
        yield from _joined(_hashes(text, _MESON))
    else:
        yield from _c_comments(text)


def sentences(comment):
    return [part.strip() for part in _SENTENCE.split(comment) if part.strip()]
