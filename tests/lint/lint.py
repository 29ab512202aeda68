# SPDX-License-Identifier: MIT
"""Runs one rule over the tree, and over broken examples of it, and prints TAP.

    lint.py RULE ROOT [BUILD]

A rule is a module rule_RULE.py with check(tree), which yields one complaint for each fault; FINE,
an example tree without faults; and BROKEN, a list of (fault, {path: text}).  Each entry of BROKEN
must bring a complaint when it replaces files of FINE, so a rule that no longer works fails itself.
Its left_out(), if it has one, tells what cannot be checked here: each counts as skipped.
"""
import importlib
import sys

from source import Tree


def complaints(rule, tree):
    return sorted(set(rule.check(tree)))


def examples(rule):
    """(name, ok, remarks) of FINE and of each broken example."""
    fine = complaints(rule, Tree(files=rule.FINE))
    yield "the fine example passes", not fine, fine
    for name, files in rule.BROKEN:
        found = complaints(rule, Tree(files={**rule.FINE, **files}))
        yield "complains: " + name, bool(found), ["nothing was found"]


def main():
    rule = importlib.import_module("rule_" + sys.argv[1])
    tree = Tree(root=sys.argv[2], build=sys.argv[3] if len(sys.argv) > 3 else None)
    found = complaints(rule, tree)
    verdicts = [(rule.NAME, not found, found), *examples(rule)]
    for number, (name, passed, remarks) in enumerate(verdicts, 1):
        print(f"{'ok' if passed else 'not ok'} {number} - {name}")
        if not passed:
            print("".join(f"# {line}\n" for line in remarks), end="")
    skipped = list(rule.left_out()) if hasattr(rule, "left_out") else []
    for number, (what, why) in enumerate(skipped, len(verdicts) + 1):
        print(f"ok {number} - {what} # SKIP {why}")
    print(f"1..{len(verdicts) + len(skipped)}")
    return any(not passed for _, passed, _ in verdicts)


if __name__ == "__main__":
    sys.exit(main())
