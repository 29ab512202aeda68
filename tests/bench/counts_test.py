# SPDX-License-Identifier: MIT
"""Does tests/bench/counts notice what it has to?  counts_test.py, one TAP line for each case."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile

import budget

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = "# a comment\nroll\tsyncs\t100\t=\nroll\tcalls\t1000\t2000\nidle\tcalls\t0\t=\n"
FULL = {("roll", "syncs"): 100.0, ("roll", "calls"): 1000.0, ("idle", "calls"): 0.0}
# name, counts that differ from FULL (None: not measured), the part of the line that fails or None
CASES = [
    ("equal counts pass", {}, None),
    ("9 % above passes", {("roll", "syncs"): 109}, None),
    ("11 % above fails", {("roll", "syncs"): 111}, "roll syncs: 111 (budget 100) is more than a tenth above"),
    ("9 % below passes", {("roll", "calls"): 910}, None),
    ("11 % below asks to lower the budget", {("roll", "calls"): 890},
     "roll calls: 890 (budget 1000) is more than a tenth below its budget: lower the budget"),
    ("any count above a budget of 0 fails", {("idle", "calls"): 1}, "idle calls: 1 (budget 0) is more than"),
    ("a row that was not measured fails", {("roll", "syncs"): None}, "roll syncs: - (budget 100) has not been"),
    ("a count without a row fails", {("new", "calls"): 5}, "new calls: 5 (budget -) has no budget"),
]


def compare(counts, release="12"):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        bad = budget.compare(budget.read(TABLE, release), counts)
    return bad, [line for line in out.getvalue().splitlines() if line.startswith("not ok ")]


def judge(changes, wanted):
    counts = {name: count for name, count in {**FULL, **changes}.items() if count is not None}
    bad, lines = compare(counts)
    return bad == 0 and not lines if wanted is None else bad == 1 and len(lines) == 1 and wanted in lines[0]


def run(rows):
    """The exit status and the words of the whole program for these counts."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as given:
        given.writelines(f"{' '.join(name)}\t{count}\n" for name, count in rows.items())
        given.flush()
        done = subprocess.run([sys.executable, HERE + "/counts", "--given", given.name], stdout=subprocess.PIPE,
                              text=True, check=False)
    return done.returncode, done.stdout


def main():
    with open(budget.BUDGETS, encoding="ascii") as table:
        rows = {name: float(number) for name, number in budget.read(table.read()).items()}
    one = next(iter(rows))
    newer = compare({**FULL, ("roll", "calls"): 2000.0}, "13")
    verdicts = [(name, judge(changes, wanted)) for name, changes, wanted in CASES] + [
        ("each release has its column", newer == (0, [])),
        ("the program ends with 0 at its budgets", run(rows)[0] == 0),
        ("the program ends with 1 above one", run({**rows, one: rows[one] * 1.11})[0] == 1),
        ("the program ends with 1 below one", run({**rows, one: rows[one] * 0.89})[0] == 1),
        ("the program ends with 1 for a row that is missing",
         run({name: number for name, number in rows.items() if name != one})[0] == 1),
        ("the program ends with 1 for a count without a budget", run({**rows, ("new", "calls"): 1})[0] == 1)]
    for i, (name, is_so) in enumerate(verdicts, 1):
        print(f"{'ok' if is_so else 'not ok'} {i} {name}")
    print(f"1..{len(verdicts)}")
    return not all(is_so for _, is_so in verdicts)


if __name__ == "__main__":
    sys.exit(main())
