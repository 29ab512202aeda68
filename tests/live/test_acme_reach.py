# SPDX-License-Identifier: MIT
"""How a CA is reached: by a proxy, of the configuration or the environment, and at the hosts that are its own."""
import socket
import threading

import pytest
from acme_bed import check_pair, make_config, names
from faultproxy import FaultProxy, status
from instance import until
from pebble import Pebble, free_port

WEB = "example.test/web"


class Tunnel:
    """An HTTP proxy that takes CONNECT, and counts."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.url, self.places = f"http://127.0.0.1:{self.port}", []
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        self.places.append(head.split()[1].decode())
        host, port = self.places[-1].rsplit(":", 1)
        other = socket.create_connection((host, int(port)))
        sock.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
        threading.Thread(target=self.pump, args=(other, sock), daemon=True).start()
        self.pump(sock, other)

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture(name="ca", scope="module")
def make_ca(tmp_path_factory):
    with Pebble(tmp_path_factory.mktemp("ca")) as ca:
        yield ca


def wait_failed(certd):
    return until(lambda: certd.status(WEB)[WEB].get("error") and certd.status(WEB)[WEB], 60, lambda: certd.log()[-3000:])


# What the environment says, what the configuration says, and whether the CA is asked by the proxy.
WAYS = {
    "https_proxy": ({"https_proxy": "{proxy}"}, "", True),
    "HTTPS_PROXY": ({"HTTPS_PROXY": "{proxy}"}, "", True),
    "ALL_PROXY": ({"ALL_PROXY": "{proxy}"}, "", True),
    "NO_PROXY": ({"ALL_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"}, "", False),
    "the configuration": ({"ALL_PROXY": "http://127.0.0.1:1"}, "proxy: '{proxy}'", True),
    "none": ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "proxy: none", False),
}


@pytest.mark.parametrize("way", WAYS)
def test_by_a_proxy(run, ca, way):
    env, key, is_asked = WAYS[way]
    with Tunnel() as tunnel:
        certd = run(make_config(ca, {"web": names("web.example.test")}, more=key.format(proxy=tunnel.url)),
                    env={name: value.format(proxy=tunnel.url) for name, value in env.items()})
        certd.wait_healthy(60)
        check_pair(certd, WEB)
        assert set(tunnel.places) == ({ca.address} if is_asked else set())


@pytest.mark.parametrize("key", [True, False])
def test_a_dead_proxy(run, ca, key):
    """It is the proxy that is told as dead, although the CA has the same host."""
    port = free_port()
    dead = f"http://127.0.0.1:{port}"
    certd = run(make_config(ca, {"web": names("web.example.test")}, more=f"proxy: '{dead}'" if key else ""),
                env={} if key else {"HTTPS_PROXY": dead})
    row = wait_failed(certd)
    assert row["error"] == "proxy", row
    assert f"no proxy answers at 127.0.0.1:{port}" in row["error_text"], row
    if key:
        # Once the way is another one it is tried at once.
        certd.write_config(make_config(ca, {"web": names("web.example.test")}))
        assert certd.certctl("reload").status == 0
        certd.wait_healthy(60)


def test_a_directory_that_redirects(run, ca):
    """To a host that is not named it is not followed, and the sentence says what to do."""
    with FaultProxy(ca) as door:
        door.on("directory", status(307, {"Location": ca.directory}), times=None)
        certd = run(make_config(ca, {"web": names("web.example.test")}, via=door))
        row = wait_failed(certd)
        assert row["error"] == "foreign-url" and "`origins`" in row["error_text"] and ca.address in row["error_text"], row
        assert door.count() == door.count("directory")
        certd.write_config(make_config(ca, {"web": names("web.example.test")}, via=door,
                                       more=f"origins: ['https://{ca.address}']"))
        assert certd.certctl("reload").status == 0
        certd.wait_healthy(60)
        check_pair(certd, WEB)
        assert door.count() == door.count("directory")
