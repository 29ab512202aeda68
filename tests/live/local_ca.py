# SPDX-License-Identifier: MIT
"""Configurations with a local CA that the tests of targets and hooks share; whoever takes TWO adds the targets."""

HEAD = """
defaults:
  roll: {min_age: 1h}
  key: ed25519
cas:
  root: {type: local, issuer: ca/root, lifetime: 1d}
"""
TWO = HEAD + """
groups:
  ca:
    root: {ca: self, subject: {CN: Root}, lifetime: 30d}
  example.com:
    web: {ca: root, names: [www.example.com], deploy: [web], lifetime: 30s}
    mail: {ca: root, names: [smtp.example.com], deploy: [mail]}
targets:
"""
