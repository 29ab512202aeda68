# SPDX-License-Identifier: MIT
"""Addresses for challenges that cannot be bound: seen by status and metrics until they are."""
import json
import socket
import subprocess

import pytest
from instance import CERTCTL
from local_ca import TWO

CERT = "example.com/web"
TARGETS = '  web: {dir: "{dir}/live"}\n  mail: {dir: "{dir}/live"}\n'


def failed(certd):
    """What JSON says of listeners."""
    return [row for row in json.loads(certd.certctl("--json", "status").text) if row.get("kind") == "listener"]


def gauges(certd):
    return [row["text"] for row in certd.ok("metrics") if row["text"].startswith("certd_listener_failed{")]


@pytest.mark.parametrize("key,challenge", [("http: {hold: always, listen:", "http-01"), ("tls_alpn: {listen:", "tls-alpn-01")])
@pytest.mark.parametrize("end", ["bound", "removed"])
def test_an_address_that_cannot_be_bound_is_in_status_and_metrics(run, key, challenge, end):
    with socket.create_server(("127.0.0.1", 0)) as other:
        at = f"127.0.0.1:{other.getsockname()[1]}"
        config = TWO + TARGETS
        certd = run(f'{key} ["{at}"]}}\n{config}')
        certd.wait_healthy()
        row, = failed(certd)
        assert row["listener"] == at and row["challenge"] == challenge and "cannot listen" in row["error_text"], row
        gauge, = gauges(certd)
        assert at in gauge and challenge in gauge and "cannot listen" in gauge and gauge.endswith(" 1"), gauge
        # People see it below the certificates, whose rows and exit status are as ever; a named one is alone.
        text = subprocess.run([CERTCTL, "status"], env=certd.environment, capture_output=True, text=True, check=True).stdout
        assert at in text.split("\n\n")[1] and CERT in text.split("\n\n")[0], text
        assert at not in certd.certctl("status", CERT).text
        if end == "removed":
            certd.write_config(config)
    assert certd.certctl("reload").status == 0
    assert not failed(certd) and not gauges(certd)
