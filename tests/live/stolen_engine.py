#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands in for certd-engine: gives its descriptors to the test, which then is the engine.

Sends its environment and both descriptors to the socket named by $STOLEN_ENGINE, and ends when that closes.
"""
import json
import os
import socket

with socket.socket(socket.AF_UNIX) as test:
    test.connect(os.environ["STOLEN_ENGINE"])
    socket.send_fds(test, [json.dumps(dict(os.environ)).encode()], [3, 4])
    os.close(3)
    os.close(4)
    test.recv(1)
