# SPDX-License-Identifier: MIT
"""A private certd: a configuration, its two processes, certctl and the log, all in one directory.

    with Instance(directory, config) as certd:
        certd.wait_healthy()
        certd.certctl("renew", "example.com/web", "--force", "--wait")

`config` is the text of certd.yaml behind the keys that Instance writes itself (state_dir, user and
control), where {dir} stands for the directory.  An instance ends only what it started.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

BUILD = os.path.abspath(os.environ.get("CERTD_BUILD", "build"))
CERTD = BUILD + "/daemon/keeper/certd"
ENGINE = BUILD + "/daemon/engine/certd-engine"
CERTCTL = BUILD + "/client/certctl"
LONG = os.environ.get("LONG") == "1"

HEAD = """state_dir: {dir}/state
user: nobody
control: {{socket: {dir}/control.sock, observe: [{observe}], operate: [{operate}], admin: [{admin}]}}
"""


def until(check, seconds, what):
    """Asks `check` until it gives something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.05)


def as_user(uid, gid, groups=()):
    """The prefix of a command that runs as somebody else, with nothing left of root."""
    who = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return ["setpriv", "--reuid", str(uid), "--regid", str(gid), *who, "--inh-caps=-all"]


def process_status(pid):
    """/proc/PID/status as a dictionary, {} when there is no such process."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {} if status["State"].startswith("Z") else status


def named(report):
    """A report of AddressSanitizer with function, file and line behind each address."""
    def name(frame):
        done = subprocess.run(["addr2line", "-Cfpe", *frame.groups()], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
        return f"{frame.group()} {done.stdout.strip()}"
    return re.sub(r"\((/\S+)\+(0x[0-9a-f]+)\)", name, report)


class Answer:
    """What a certctl ended with."""

    def __init__(self, done):
        self.status, self.err, self.text = done.returncode, done.stderr, done.stdout

    @property
    def rows(self):
        document = json.loads(self.text)
        return document if isinstance(document, list) else [document]

    def __repr__(self):
        return f"exit {self.status}: {self.text}{self.err}"


class Watch:
    """Every event since it began, as `certctl watch` tells them."""

    def __init__(self, certd, *args):
        self.events, self.changed = [], threading.Condition()
        self.process = subprocess.Popen([CERTCTL, "--json", "watch", *args], env=certd.environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def find(self, **wanted):
        return [event for event in list(self.events)
                if all(event.get(key) == value for key, value in wanted.items())]

    def wait(self, seconds=30, count=1, **wanted):
        """The count-th event of this kind."""
        end = time.monotonic() + seconds
        with self.changed:
            while len(self.find(**wanted)) < count:
                assert self.changed.wait(end - time.monotonic()), f"no {wanted} within {seconds} s: {self.events[-12:]}"
        return self.find(**wanted)[count - 1]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


class Instance:
    def __init__(self, directory, config, user=None, rights=None, env=None, wrap=()):
        """`user`: a uid that runs it instead of root; `rights`: role -> list; `wrap`: what to run certd under."""
        self.dir, self.config, self.user, self.wrap = pathlib.Path(directory), config, user, list(wrap)
        self.rights = {"observe": "", "operate": "", "admin": "root"}
        self.rights.update({role: ", ".join(f'"{name}"' for name in names) for role, names in (rights or {}).items()})
        self.keeper, self.watches = None, []
        # Leaks cannot be looked for in a process that lets nobody trace it; unit tests and simulations do.
        # A thread's report is cut off where the process ends beside it: names, which take seconds, are looked up here.
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0:symbolize=0"
        self.environment = {**os.environ, "CERTD_ENGINE": ENGINE, "CERTD_SOCKET": str(self.dir / "control.sock"),
                            "ASAN_OPTIONS": options, **(env or {})}
        self.log_path = self.dir / "log"
        self.write_config(config)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def write_config(self, config):
        self.config = config
        text = HEAD.format(dir=self.dir, **self.rights) + re.sub(r"(?<!%)\{dir\}", str(self.dir), config)
        (self.dir / "certd.yaml").write_text(text)

    def start(self):
        self.launch()
        until(self.answers, 30, lambda: f"certd does not answer: {self.log()[-3000:]}")
        return self

    def launch(self):
        """Starts it without waiting for anything."""
        assert self.keeper is None
        command = [*self.wrap, CERTD, "-c", str(self.dir / "certd.yaml")]
        if self.user:
            command = [*as_user(self.user, self.user), *command]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.keeper = subprocess.Popen(command, env=self.environment, cwd="/", stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)

    def answers(self):
        assert self.keeper.poll() is None, f"certd ended with {self.keeper.returncode}: {self.log()[-3000:]}"
        return self.certctl("version").status == 0 and self.certctl("jobs").status == 0

    def stop(self, status=0):
        """Asks it to end, and insists that nothing is left and that the sanitizers are content."""
        for watch in self.watches:
            watch.close()
        self.watches = []
        if self.keeper is None:
            return
        engine = self.engine_pid()
        self.keeper.terminate()
        try:
            ended = self.keeper.wait(30)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
            raise AssertionError(f"certd does not stop: {self.log()[-3000:]}") from None
        self.keeper = None
        if engine:
            until(lambda: not process_status(engine), 10, "the engine is left behind")
        self.check_sanitizers()
        assert ended == status, f"certd ended with {ended}: {self.log()[-4000:]}"

    def kill(self, pid):
        """SIGKILL to one of the two, as power or an administrator would; waits until both are gone."""
        engine = self.engine_pid()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait_dead(engine)

    def wait_dead(self, engine=None):
        """Both processes have ended."""
        self.keeper.wait(30)
        self.keeper = None
        if engine:
            until(lambda: not process_status(engine), 10, "the engine outlives the keeper")

    def check_sanitizers(self):
        text = self.log()
        for word in ("ERROR: AddressSanitizer", "runtime error:", "Assertion"):
            assert word not in text, f"the log tells of a bug:\n{named(text[max(0, text.index(word) - 200):][:12000])}"

    def keeper_pid(self):
        return self.keeper.pid

    def engine_pid(self):
        """The child of the keeper that runs the engine; None when there is none."""
        try:
            children = pathlib.Path(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        for child in children:
            if process_status(child).get("Name") == "certd-engine":
                return int(child)
        return None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def certctl(self, *args, user=None, timeout=60):
        """`user`: (uid, gid, groups) to ask as."""
        command = [*as_user(*user), CERTCTL, "--json", *args] if user else [CERTCTL, "--json", *args]
        return Answer(subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                                     text=True, timeout=timeout, check=False, cwd="/"))

    def ok(self, *args, **kw):
        """The rows of a certctl that must succeed."""
        answer = self.certctl(*args, **kw)
        assert answer.status == 0, f"certctl {' '.join(args)}: {answer}"
        return answer.rows if answer.text else []

    def status(self, *patterns):
        """cert -> row; also when something is not healthy."""
        answer = self.certctl("status", *patterns)
        assert answer.status in (0, 1) and answer.text, answer
        return {row["cert"]: row for row in answer.rows if "cert" in row}

    def watch(self, *args):
        """Every event from now on: numbers have no holes, so the count of all is the last one's."""
        if "--since" not in args:
            counts = [row["text"].split()[-1] for row in self.ok("metrics")
                      if row["text"].startswith("certd_events_total{")]
            args = (*args, "--since", str(sum(int(count) for count in counts)))
        watch = Watch(self, *args)
        self.watches.append(watch)
        return watch

    def wait_status(self, check, seconds=60, patterns=()):
        """Until `check` likes every row of status."""
        last = {}

        def look():
            last.clear()
            last.update(self.status(*patterns))
            return all(check(row) for row in last.values()) and last
        return until(look, seconds, lambda: f"{list(last.values())}\n{self.log()[-3000:]}")

    def wait_healthy(self, seconds=60, patterns=()):
        """Every certificate is there, every target has it, nothing fails."""
        return self.wait_status(lambda row: row["curr"] and row["action"] != "deploy"
                                and row["health"] in ("ok", "waiting", "due"), seconds, patterns)

    def versions(self, cert):
        return self.ok("versions", cert)

    def live(self, cert):
        return self.dir / "live" / cert / "curr"

    def store(self, cert):
        return self.dir / "state" / "certs" / cert


def rss_kib(pid):
    return int(re.match(r"\d+", process_status(pid)["VmRSS"].strip()).group())
