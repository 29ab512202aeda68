# SPDX-License-Identifier: MIT
"""A private certd below strace, and its system calls of keeper and engine between two moments."""
import collections
import glob
import os
import re
import socket
import subprocess
import time

DEADLINE = 120.0    # seconds for one operation, on a machine that does much else
POLL = 0.02         # between two looks at whether it has ended
# What an event loop asks the kernel for itself, whatever its library; reading a timer or a signal is of it, too.
LOOP = re.compile(rb"(?:epoll_\w+|timerfd_\w+|signalfd4?|eventfd2?)\("
                  rb"|(?:read|write)\(\d+<anon_inode:\[(?:timerfd|signalfd|eventfd)\]>")
CALL = re.compile(rb"^(\w+)\(", re.M)
SYNC = re.compile(rb"(?:f|fdata)?sync\w*\(")
WAITS = re.compile(rb"(?:epoll_p?wait2?|p?poll)\(")
CHILD = re.compile(rb"^(?:clone3?|v?fork)\(.*= (\d+)$", re.M)


class Instance:
    """The two processes, below what `wrap` says, and a connection that stays."""

    def __init__(self, programs, directory, config, sock, wrap, engine):
        self.programs, self.dir, self.socket = programs, directory, sock
        self.log = open(os.path.join(directory, "log"), "w+b")
        self.process = subprocess.Popen([*wrap, programs.CERTD, "-c", config], stderr=self.log,
                                        env=dict(os.environ, CERTD_ENGINE=engine))
        self.wait(lambda: self.said(b" daemon.ready"), "a start")
        self.find()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(DEADLINE)
        self.line.connect(sock)
        self.answers = self.line.makefile("rb")
        self.answers.readline()

    @staticmethod
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return list(map(int, f.read().split()))

    def wait(self, is_so, what):
        end = time.monotonic() + DEADLINE
        while not is_so():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"{what} has not ended: " + open(self.log.name, encoding="utf-8").read()[-2000:])
            time.sleep(POLL)

    def said(self, event):
        """How often the log has it."""
        with open(self.log.name, "rb") as f:
            return f.read().count(event)

    def ask(self, request):
        """One request on the connection that stays: what the engine was told before, it has read."""
        self.line.sendall(request + b"\n")
        while not self.answers.readline().startswith((b"ok", b"err")):
            pass

    def certctl(self, *words):
        return subprocess.run([self.programs.CERTCTL, *words], check=True, stdout=subprocess.PIPE,
                              timeout=DEADLINE, env=dict(os.environ, CERTD_SOCKET=self.socket)).stdout

    def stop(self):
        self.line.close()
        os.kill(self.keeper, 15)
        self.process.wait(DEADLINE)
        self.log.close()


class Traced(Instance):
    """One below strace; `lap()` is what it did since the last one."""

    def __init__(self, programs, directory, config, sock):
        self.laps, self.commands = {}, set()    # how far each file is read; children that are other programs
        self.question = None
        super().__init__(programs, directory, config, sock, [
            "strace", "-ff", "-y", "-qq", "-s", "0", "-o", os.path.join(directory, "trace")], programs.ENGINE)

    def find(self):
        self.keeper, self.engine = self.children(self.process.pid)[0], self.find_engine()

    def traces(self):
        """The file of each process and thread."""
        return {int(path.rpartition(".")[2]): path for path in glob.glob(os.path.join(self.dir, "trace.*"))}

    def find_engine(self):
        name = os.path.basename(self.programs.ENGINE).encode()
        for pid, path in self.traces().items():
            with open(path, "rb") as f:
                if any(line.startswith(b"execve(") and name in line for line in f):
                    return pid
        raise SystemExit("the trace names no engine")

    def waits(self):
        """Are both in the wait of their loop?  A call that has not ended has no end of its line."""
        for pid in (self.keeper, self.engine):
            with open(os.path.join(self.dir, f"trace.{pid}"), "rb") as f:
                f.seek(0, os.SEEK_END)
                f.seek(-min(f.tell(), 4096), os.SEEK_END)
                if not WAITS.match(f.read().rpartition(b"\n")[2]):
                    return False
        return True

    def rest(self):
        """The engine has answered, and neither has anything else to do."""
        self.ask(b"version")
        self.wait(self.waits, "an operation")

    def lap(self):
        """unit -> count of the calls since the last lap, without the question that ends it."""
        self.rest()
        found = self.calls()
        if not self.question:   # the first lap asks it once more, for what it costs
            self.rest()
            self.question = self.calls()
        found.subtract(self.question)
        return found

    def calls(self):
        """The same, of a moment when both rest."""
        found, children = collections.Counter(), {}
        for pid, path in sorted(self.traces().items(), key=lambda item: os.stat(item[1]).st_ctime):
            with open(path, "rb") as f:
                text = f.read()
            children.update({int(child): pid for child in CHILD.findall(text)})
            text, self.laps[pid] = text[self.laps.get(pid, 0):], len(text)
            self.count(pid, text, children, found)
        return found

    def count(self, pid, text, children, found):
        start = pid
        while pid not in (self.keeper, self.engine) and pid in children:
            pid = children[pid]
        who = "engine" if pid == self.engine else "keeper"
        if start in self.commands:
            return
        for line in text.splitlines():
            if not CALL.match(line):
                continue
            # A child of the keeper is counted until it is another program.
            if line.startswith(b"execve(") and start not in (self.keeper, self.engine):
                self.commands.add(start)
                return
            found[f"{who}-loop-calls" if LOOP.match(line) else f"{who}-calls"] += 1
            found["syncs"] += bool(SYNC.match(line))
