# SPDX-License-Identifier: MIT
"""A throw-away machine with a real systemd, journald and D-Bus, with this build installed on it.

The machine is booted by systemd/container.sh, from nothing but what this machine has installed.
"""
import contextlib
import json
import os
import subprocess
import time

SCRIPT = os.path.join(os.path.dirname(__file__), "systemd/container.sh")
BUILD = os.environ.get("CERTD_BUILD", "build")


class Container:
    def __init__(self, env):
        self.env = env
        self.root = env["SDC_ROOT"]

    def exec(self, *command, check=True, stdin=None):
        """Runs a command inside; its output."""
        done = subprocess.run([self.env["SDC"], "exec", *command], env=self.env, capture_output=True, text=True,
                              input=stdin, timeout=120, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout if check else done

    def run(self, *command, properties=()):
        """The same as a transient unit; what became of it."""
        options = [word for p in properties for word in ("-p", p)]
        return subprocess.run([self.env["SDC"], "run", *options, "--", *command], env=self.env, capture_output=True,
                              text=True, timeout=120, check=False)

    def status(self, *command):
        return self.exec(*command, check=False).returncode

    def until(self, what, condition, seconds=40):
        """Waits until condition() is true, and returns what it gave."""
        end = time.monotonic() + seconds
        while True:
            got = condition()
            if got:
                return got
            assert time.monotonic() < end, f"waited {seconds} s for: {what}\n" + self.last_words()
            time.sleep(0.1)

    def last_words(self):
        return self.exec("journalctl", "--no-pager", "-n", "60", "-o", "short-precise", check=False).stdout

    def show(self, name, unit="certd.service"):
        return self.exec("systemctl", "show", "-P", name, unit).strip()

    def write(self, path, text, mode=0o644):
        full = self.root + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(full, mode)

    def read(self, path):
        with open(self.root + path, encoding="utf-8") as file:
            return file.read()

    def journal(self, *match):
        """The entries that match, as dictionaries."""
        self.exec("journalctl", "--sync")
        lines = self.exec("journalctl", "--no-pager", "-o", "json", "--all", *match).splitlines()
        return [json.loads(line) for line in lines]


def install(stage):
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True, timeout=120,
                   env=dict(os.environ, DESTDIR=stage), stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def booted(stage, out):
    """Boots with the tree `stage` laid over the root; console and journal end up in `out`."""
    assert os.path.exists(SCRIPT), f"{SCRIPT} is missing"
    command = [SCRIPT, "--install", stage, "--out", out, "--", "sh", "-c", "env | grep ^SDC; echo; exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        env = dict(os.environ)
        for line in running.stdout:
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition("=")
            env[name] = value
        assert "SDC_PID" in env, "the container did not boot"
        try:
            yield Container(env)
        finally:
            running.stdin.close()
            status = running.wait(timeout=60)
    assert status == 0, f"the container left something behind ({status})"
