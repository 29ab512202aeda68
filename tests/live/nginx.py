# SPDX-License-Identifier: MIT
"""A real nginx with one TLS server for each certificate, in the directory of an instance."""
import os
import socket
import subprocess

from instance import until

MAIN = """daemon off;
pid {dir}/nginx/pid;
error_log {dir}/nginx/error.log notice;
worker_processes 1;
user root;
events {{ worker_connections 512; }}
http {{
	access_log off;
	client_body_temp_path {dir}/nginx/body;
	proxy_temp_path {dir}/nginx/proxy;
	fastcgi_temp_path {dir}/nginx/fastcgi;
	uwsgi_temp_path {dir}/nginx/uwsgi;
	scgi_temp_path {dir}/nginx/scgi;
	ssl_session_cache off;
	ssl_session_tickets off;
	server_names_hash_bucket_size 128;
{servers}}}
"""
SERVER = """	server {{
		listen 127.0.0.1:{port} ssl{default};
		server_name {names};
		ssl_certificate {live}/fullchain.pem;
		ssl_certificate_key {live}/privkey.pem;
		location / {{ return 200 "{cert}\\n"; }}
	}}
"""
# Until nginx runs there is nobody to reload and not everything that its check wants to see.
SCRIPT = """#!/bin/sh
[ -s {dir}/nginx/pid ] || exit 0
exec nginx -c {dir}/nginx/conf {option}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """`names`: cert -> the names it serves; the first certificate is the one without a name."""

    def __init__(self, directory, names):
        self.dir, self.port, self.process = directory / "nginx", free_port(), None
        self.dir.mkdir()
        servers = [SERVER.format(port=self.port, default=" default_server" if n == 0 else "", cert=cert,
                                 names=" ".join(of), live=directory / "live" / cert / "curr")
                   for n, (cert, of) in enumerate(names.items())]
        (self.dir / "conf").write_text(MAIN.format(dir=directory, servers="".join(servers)))
        for name, option in (("check", "-t -q"), ("reload", "-s reload")):
            script = self.dir / name
            script.write_text(SCRIPT.format(dir=directory, option=option))
            script.chmod(0o755)

    def start(self):
        with open(self.dir / "out", "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(["nginx", "-c", str(self.dir / "conf")], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL, cwd="/")
        until(self.listens, 20, self.log)

    def listens(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return "".join(path.read_text() for path in (self.dir / "out", self.dir / "error.log") if os.path.exists(path))

    def count_reloads(self):
        return self.log().count("reconfiguring")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
