# SPDX-License-Identifier: MIT
"""A private certd whose engine runs below valgrind, and the instructions of the engine between two moments.

Below valgrind the kernel seems to know neither landlock nor seccomp, so that the engine goes without.  The keeper
cannot run there: the valgrind of Debian 12 knows no pidfd_open(2).
"""
import os
import re

from traced import Instance


class Counted(Instance):
    def __init__(self, programs, directory, config, sock):
        self.out, self.n = os.path.join(directory, "valgrind"), 0
        os.mkdir(self.out)
        os.chmod(self.out, 0o1777)      # the engine has a user of its own
        engine = os.path.join(self.out, "engine")
        with open(engine, "w", encoding="ascii") as f:
            # The same code of libcrypto on each processor: no extension beyond the base set.
            f.write(f"#!/bin/sh\nOPENSSL_ia32cap=:0 exec valgrind --tool=callgrind --vgdb=no --dump-before=cmd_version "
                    f"--callgrind-out-file={self.out}/out {programs.ENGINE} \"$@\"\n")
        os.chmod(engine, 0o755)
        super().__init__(programs, directory, config, sock, [], engine)

    def find(self):
        self.keeper = self.process.pid
        self.engine = self.children(self.keeper)[0]

    def lap(self):
        """unit -> count since the last question, which valgrind writes down before it is answered."""
        self.ask(b"version")
        self.n += 1
        with open(f"{self.out}/out.{self.n}", encoding="utf-8") as f:
            return {"engine-instructions": int(re.search(r"^(?:totals|summary): (\d+)", f.read(), re.M)[1])}
