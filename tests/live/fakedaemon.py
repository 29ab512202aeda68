# SPDX-License-Identifier: MIT
"""A daemon that says what a test wants, on a Unix socket, to hold certctl against.

The test gives a script: a function of the connection that reads requests and sends what it likes.
Every connection runs the script in a thread of its own.
"""
import os
import shutil
import socket
import tempfile
import threading

HELLO = b"hello certd proto=1 version=9.8.7 role=admin\n"


class Peer:
    """One accepted connection."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def read(self):
        """The next request without its LF, "" at the end."""
        return self.file.readline().decode().rstrip("\n")


class FakeDaemon:
    def __init__(self, script, hello=HELLO):
        self.script, self.hello, self.requests = script, hello, []
        self.directory = tempfile.mkdtemp()
        self.path = os.path.join(self.directory, "sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.listener.close()
        shutil.rmtree(self.directory)

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        peer = Peer(sock)
        try:
            if self.hello:
                peer.send(self.hello)
            self.script(self, peer)
        except OSError:
            pass  # certctl went away, which some tests want
        finally:
            peer.file.close()
            sock.close()


def answers(text):
    """A script that gives one answer to each request and notes what was asked."""

    def script(daemon, peer):
        while request := peer.read():
            daemon.requests.append(request)
            peer.send(text)

    return script
