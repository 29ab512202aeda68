# SPDX-License-Identifier: MIT
"""What bash offers behind certctl, from the file that the build makes; the others at least parse."""
import json
import os
import shutil
import subprocess

import pytest

COMPLETION = os.path.join(os.environ.get("CERTD_BUILD", "build"), "client", "completion")
ASK = r'''
source "$1"; shift
certctl() {
    [ "$1" != -s ] || [ "$2" = /x ] || return
    case ${!#} in
    status) printf 'certificate  health\na.org/web    ok\nb.org/web    ok\n' ;;
    jobs) printf 'job  does\n17   issue\n' ;;
    esac
}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_certctl
printf '%s\n' "${COMPREPLY[@]}"
'''


@pytest.mark.parametrize("words,offers", [
    ("st", "status"), ("config ch", "check"), ("config ", "check explain schema"), ("renew --f", "--force"),
    ("renew --force a", "a.org/web"), ("show ", "a.org/web b.org/web"), ("-s /x show b", "b.org/web"),
    ("cancel ", "17"), ("--json rol", "roll"), ("plan --d", "--days"), ("jobs ", ""), ("help vers", "versions version"),
    ("status --no", "--no-color"), ("config check /et", "/etc"), ("dhparam /et", "/etc")])
def test_bash(words, offers):
    done = subprocess.run(["bash", "-c", ASK, "bash", COMPLETION + "/certctl", "certctl", *words.split(" ")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "" and done.stdout.split() == offers.split()


def test_every_command_is_offered():
    names = subprocess.run(["bash", "-c", ASK, "bash", COMPLETION + "/certctl", "certctl", ""], capture_output=True,
                           text=True, timeout=60, check=True).stdout.split()
    build = os.environ.get("CERTD_BUILD", "build")
    overview = subprocess.run([os.path.join(build, "client", "certctl"), "--json", "help"], capture_output=True,
                              timeout=60, check=True).stdout
    wanted = {row["command"].split()[0] for row in json.loads(overview)}
    assert set(names) == wanted and len(names) == len(wanted)
    for shell in ("_certctl", "certctl.fish"):
        with open(f"{COMPLETION}/{shell}", encoding="utf-8") as file:
            text = file.read()
        assert all(name in text for name in wanted)


# bash everywhere, the others where somebody uses them
SHELLS = [("bash", "certctl")] + [(shell, file) for shell, file in (("zsh", "_certctl"), ("fish", "certctl.fish"))
                                  if shutil.which(shell)]


@pytest.mark.parametrize("shell,file", SHELLS)
def test_syntax(shell, file):
    done = subprocess.run([shell, "-n", f"{COMPLETION}/{file}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stderr == ""
