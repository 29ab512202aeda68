# SPDX-License-Identifier: MIT
"""Counts beside their budgets: tests/bench/budgets.tsv has one row for each, with a column for each
release of Debian whose libraries need another number."""
import os

BUDGETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "budgets.tsv")
MARGIN = 0.1
SLACK = 0.4  # of a call: a mean of twenty is not exact, and a tenth of two is little
RELEASES = ("12", "13")


def release():
    """The newest release with a column that is not newer than this system."""
    with open("/etc/os-release", encoding="utf-8") as f:
        words = dict(line.rstrip().split("=", 1) for line in f if "=" in line)
    here = words.get("VERSION_ID", "").strip('"')
    here = float(here) if here.replace(".", "").isdigit() else float("inf")
    fits = [name for name in RELEASES if float(name) <= here] if words.get("ID") == "debian" else RELEASES
    return (fits or RELEASES)[-1]


def read(text, of=None):
    """(operation, unit) -> budget, for a release; "=" is the column before."""
    column, budgets = RELEASES.index(of or release()), {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            what, unit, *numbers = line.split()
            while numbers[column] == "=":
                numbers[column] = numbers[column - 1]
            assert (what, unit) not in budgets, f"{what} {unit} has two rows"
            budgets[what, unit] = numbers[column]
    return budgets


def verdict(count, budget):
    """The fault, or None."""
    if budget is None:
        return "has no budget: add a row to tests/bench/budgets.tsv"
    if count is None:
        return "has not been measured"
    most = max(float(budget) * MARGIN, SLACK)
    if count > float(budget) + most:
        return "is more than a tenth above its budget"
    if count < float(budget) - most:
        return "is more than a tenth below its budget: lower the budget in tests/bench/budgets.tsv"
    return None


def compare(budgets, counts):
    """One TAP line for each count and each budget; the number of faults."""
    bad, names = 0, [*budgets, *(name for name in counts if name not in budgets)]
    for i, name in enumerate(names, 1):
        count, budget = counts.get(name), budgets.get(name)
        fault = verdict(count, budget)
        bad += fault is not None
        print(f"{'not ok' if fault else 'ok'} {i} {' '.join(name)}: {'-' if count is None else f'{count:.6g}'} "
              f"(budget {budget or '-'}) {fault or ''}".rstrip())
    print(f"1..{len(names)}")
    return bad
