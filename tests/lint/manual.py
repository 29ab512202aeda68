# SPDX-License-Identifier: MIT
"""Is every row of the tables in the manual, and is the manual good mdoc?  manual.py ROOT DOCS"""
import re
import subprocess
import sys

root, docs = sys.argv[1:]
PAGES = ["certctl.1", "certd.8", "certd.yaml.5", "certd-protocol.7"]
count = 0


def check(name, wrong):
    """One line of TAP; `wrong` is what is missing or complained about."""
    global count
    count += 1
    print(f"{'not ok' if wrong else 'ok'} {count} - {name}")
    for line in wrong:
        print(f"# {line}")


def rows(table):
    """The arguments of each entry, quoted ones without their quotes."""
    with open(f"{root}/proto/{table}.def", encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    entries = re.findall(r'^[A-Z]+\(((?:"(?:[^"\\]|\\.)*"|[^")])*)\)', text, re.M)
    assert entries, table
    return [[part.strip().strip('"') for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\s][^,"]*', e)]
            for e in entries]


def page(name):
    with open(f"{docs}/{name}", encoding="utf-8") as file:
        return file.read()


def items(text):
    return set(re.findall(r"^\.It Cm (\S+)", text, re.M))


protocol, certctl = page("certd-protocol.7"), page("certctl.1")
for command in rows("commands"):
    pattern = rf"^\.It Cm {re.escape(command[1])}( |$)"
    check(f"command {command[1]}",
          [p for p, text in (("certctl.1", certctl), ("certd-protocol.7", protocol))
           if not re.search(pattern, text, re.M)])
for table in ("codes", "events", "whys"):
    words = [row[1] for row in rows(table)]
    check(f"{len(words)} {table}", [w for w in words if w not in items(protocol)])
check("message ids", [row[3] for row in rows("events") if row[3] not in protocol])
check("actions", [row[1] for row in rows("actions") if f".Cm {row[1]} " not in protocol])
keys = [row[2] for row in rows("rows")]
check(f"{len(keys)} row keys", [k for k in keys if k not in items(protocol)])
check("configuration keys",
      [k for k in ("state_dir", "control.socket", "groups.GROUP.SERVICE.names", "targets.NAME.dir")
                             if f".It Ic {k}\n" not in page("certd.yaml.5")])
for name in PAGES:
    text = page(name)
    check(f"{name} is without marks", re.findall(r"^@.*", text, re.M))
    refers = set(re.findall(r"^\.Xr (cert\S*) (\d)", text, re.M))
    check(f"{name} refers to pages that exist",
          [".".join(r) for r in refers if ".".join(r) not in PAGES])
    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", f"{docs}/{name}"], capture_output=True,
                          text=True, check=False)
    check(f"{name} is good mdoc", lint.stdout.splitlines())
print(f"1..{count}")
