# SPDX-License-Identifier: MIT
"""The built-in responder and a web server take turns at one port."""
import socket

import pytest
from acme_bed import check_pair, make_config, names
from instance import until
from pebble import Pebble

WEB = "example.test/web"


@pytest.fixture(name="ca", scope="module")
def make_ca(tmp_path_factory):
    with Pebble(tmp_path_factory.mktemp("ca")) as ca:
        yield ca


def serve(port):
    """A web server at this port, or None when the port is taken."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


def test_the_port_is_free_between_challenges(run, ca):
    certd = run(make_config(ca, {"web": names("web.example.test")}))
    certd.wait_healthy(60)
    check_pair(certd, WEB)
    with until(lambda: serve(ca.http_port), 20, "the port is not let go"):
        certd.ok("renew", WEB, "--force")
        row = certd.wait_status(lambda row: row.get("error"))[WEB]
        for way in "another server has the port", "http.webroot", "another port", "stop holding":
            assert way in row["error_text"], row
        assert "stop holding the port" in certd.log()
    # An operator's renewal looks anew.
    n = len(certd.versions(WEB))
    certd.ok("renew", WEB, "--force")
    until(lambda: len(certd.versions(WEB)) > n, 60, lambda: certd.log()[-3000:])
    until(lambda: serve(ca.http_port), 20, "the port is not let go").close()


def test_a_port_that_is_held(run, ca):
    config = make_config(ca, {"web": names("web.example.test")})
    certd = run(config.replace("http: {", "http: {hold: always, "))
    certd.wait_healthy(60)
    assert not serve(ca.http_port)
    certd.write_config(config)
    assert certd.certctl("reload").status == 0
    until(lambda: serve(ca.http_port), 20, "the port is not let go").close()
