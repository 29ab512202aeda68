# SPDX-License-Identifier: MIT
"""Killed at every request of an order, before the CA hears it and after it answered: one certificate all the same."""
import os
import signal
import threading

import pytest
from acme_bed import check_pair, dns_commands, journal, leftovers, make_config, names, pending_keys
from faultproxy import FaultProxy
from instance import LONG, until
from pebble import Pebble


@pytest.fixture(name="ca", scope="module")
def make_ca(tmp_path_factory):
    with Pebble(tmp_path_factory.mktemp("ca"), retry_after=1) as ca:
        yield ca


def config_of(place, ca, proxy):
    add, remove, log = dns_commands(place, ca)
    publish = f"{{type: command, add: [{add}], remove: [{remove}]}}"
    return make_config(ca, {"one": names("example.test", "*.example.test")}, "dns-01", via=proxy, publish=publish), log


def finish(certd, log):
    certd.wait_healthy(120)
    until(lambda: not certd.ok("jobs"), 20, "no job left")
    check_pair(certd, "example.test/one")
    assert len(certd.versions("example.test/one")) == 1
    assert not journal(certd) and not pending_keys(certd)
    assert leftovers(log) == []


@pytest.mark.parametrize("who", ["keeper", "engine"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_request(run, place, ca, who, when, chance):
    """`before`: the request has not reached the CA; `after`: it has, and the answer is lost with the process."""
    # How many requests an order has, from one that nobody disturbs.
    from instance import Instance
    import shutil
    counted = place / "counted"
    counted.mkdir(mode=0o755)
    with FaultProxy(ca) as proxy:
        config, log = config_of(counted, ca, proxy)
        with Instance(counted, config) as certd:
            finish(certd, log)
        steps = proxy.count()
    shutil.rmtree(counted)
    every = 1 if LONG else 4
    for step in range(1 + chance.randrange(every), steps + 1, every):
        there = place / f"step{step}"
        there.mkdir(mode=0o755)
        issued = ca.count_issued()
        with FaultProxy(ca) as proxy:
            config, log = config_of(there, ca, proxy)
            certd = Instance(there, config)
            dead = threading.Event()

            def strike(n, _, certd=certd, dead=dead, step=step):
                if n == step and not dead.is_set():
                    dead.set()
                    pid = certd.keeper_pid() if who == "keeper" else certd.engine_pid()
                    if pid:
                        os.kill(pid, signal.SIGKILL)
            if when == "before":
                proxy.on_request = strike
            else:
                proxy.on_answer = strike
            certd.launch()
            until(lambda: dead.is_set() or ca.count_issued() > issued, 60, "the step was never reached")
            # A CA that is less busy is looked at less often than in the counted run: the last step may not come.
            was_struck = dead.wait(5)
            dead.set()
            if was_struck:
                certd.wait_dead()
                certd.start()
            finish(certd, log)
            certd.stop()
        assert ca.count_issued() - issued == 1, f"step {step}: the CA made more than one certificate"
        shutil.rmtree(there)
