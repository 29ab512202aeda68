# SPDX-License-Identifier: MIT
"""The servers that http_test.c asks: TLS with good and bad certificates, and manners by path.

    http_server.py FOLDER

Writes the roots into FOLDER (ca.pem, other.pem), prints one line "NAME PORT" for each server and then
"ready".  Ends when its standard input does, and removes FOLDER.
"""
import datetime
import gzip
import ipaddress
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write(path, *parts):
    with open(path, "wb") as f:
        f.write(b"".join(parts))
    return path


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def make_ca(text):
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (x509.CertificateBuilder().subject_name(name(text)).issuer_name(name(text))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 30 * DAY).not_valid_after(NOW + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    return key, cert


def make_leaf(folder, file, ca, host="localhost", begin=-DAY, end=DAY):
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    cert = (x509.CertificateBuilder().subject_name(name(host)).issuer_name(ca[1].subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW + begin).not_valid_after(NOW + end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(ca[0], hashes.SHA256()))
    return write(os.path.join(folder, file), pem(cert), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


class Server:
    """Accepts on a port of its own; a thread for each connection."""

    def __init__(self, certificate, old=False, plain=False):
        self.tls = None if plain else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.tls:
            self.tls.load_cert_chain(certificate)
        if old:
            warnings.simplefilter("ignore", DeprecationWarning)
            self.tls.minimum_version = ssl.TLSVersion.TLSv1
            self.tls.maximum_version = ssl.TLSVersion.TLSv1_1
            self.tls.set_ciphers("DEFAULT@SECLEVEL=0")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.accepted = self.open = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            if not self.tls:
                sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                sock.close()
                return
            sock = self.tls.wrap_socket(sock, server_side=True)
        except OSError:
            return
        with self.lock:
            self.accepted += 1
            self.open += 1
        try:
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                stream = sock.makefile("rb")
                while self.answer(sock, stream):
                    pass
        except OSError:
            pass
        finally:
            with self.lock:
                self.open -= 1

    def answer(self, sock, stream):
        head = [stream.readline()]
        while head[-1] not in (b"\r\n", b""):
            head.append(stream.readline())
        if head[-1] == b"":
            return False
        length = sum(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:"))
        request = Request(self, sock, b"".join(head), stream.read(length))
        return bool(request.run())


class Proxy(Server):
    """Takes CONNECT to any host and goes to the port on this one."""

    def serve(self, sock):
        stream = sock.makefile("rb", 0)
        words = stream.readline().decode("latin-1").split(" ")
        if len(words) != 3:
            # No CONNECT; the peer waits for another protocol than this.
            return
        method, place, _ = words
        while stream.readline() != b"\r\n":
            pass
        if method != "CONNECT" or place.startswith("refused"):
            sock.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            sock.close()
            return
        other = socket.create_connection(("127.0.0.1", int(place.split(":")[1])))
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


class Request:
    """One request; a method for each first part of a path.  What returns None ends the connection."""

    def __init__(self, server, sock, head, body):
        self.server, self.sock, self.head, self.body = server, sock, head, body
        self.method, path, _ = head.decode("latin-1").split(" ", 2)
        self.words = path[1:].split("/")

    def run(self):
        return getattr(self, "do_" + self.words[0].replace("-", "_"))(*self.words[1:])

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        return True

    def reply(self, body, status=200, headers=""):
        if isinstance(body, str):
            body = body.encode()
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
        return self.send(head + (b"" if self.method == "HEAD" else body))

    def do_status(self, status):
        return self.reply("" if status in ("204", "304") else "status " + status, int(status))

    def do_echo(self, *_):
        return self.reply(self.head + self.body)

    def do_headers(self):
        return self.reply("x", headers="X-Many: one\r\nx-MANY:two \r\nX-Manyfold: no\r\nEmpty:\r\n"
                                       "X-Many: \tthree\t\r\n")

    def do_bytes(self, n):
        return self.reply(b"b" * int(n))

    def do_chunked(self, n):
        self.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Head: yes\r\n\r\n")
        left = int(n)
        while left:
            size = min(left, 1000)
            self.send(f"{size:x}\r\n{'c' * size}\r\n")
            left -= size
        return self.send("0\r\nX-Trailer: no\r\nX-Head: trailer\r\n\r\n")

    def do_lie(self, n):
        self.send(f"HTTP/1.1 200 OK\r\nContent-Length: {n}\r\n\r\n")
        return self.do_silent()

    def do_endless(self):
        self.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            self.send(b"e" * 10000)

    def do_drip(self):
        self.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            self.send("d")
            time.sleep(0.02)

    def do_silent(self):
        self.sock.recv(1)

    def do_slow(self, ms):
        time.sleep(int(ms) / 1000)
        return self.reply("slow")

    def do_reset(self):
        self.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxyz")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def do_cut(self):
        self.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxyz")

    def do_empty(self):
        pass

    def do_garbage(self):
        self.send("hello there\r\n\r\n")

    def do_heads(self, n):
        return self.reply("x", headers="".join(f"X-{i:04}: {'h' * 90}\r\n" for i in range(int(n))))

    def do_head(self, n):
        return self.reply("x", headers=f"X-Long: {'h' * int(n)}\r\n")

    def do_hop(self, n):
        where = f"../hop/{int(n) - 1}" if n != "0" else ""
        return self.reply("hop " + n, 302 if where else 200, f"Location: {where}\r\n" if where else "")

    def do_loop(self):
        return self.reply("", 307, "Location: /loop\r\n")

    def do_to(self, scheme, user=""):
        return self.reply("", 302, f"Location: {scheme}://{user}localhost:{self.server.port}/echo\r\n")

    def do_astray(self, scheme=""):
        return self.reply("", 302, f"Location: {scheme}//127.0.0.1:{self.server.port}/echo\r\n")

    def do_gzip(self):
        return self.reply(gzip.compress(b"z" * 100000), headers="Content-Encoding: gzip\r\n")

    def do_identity(self):
        return self.reply("same", headers="Content-Encoding: identity\r\n")

    def do_early(self):
        self.send("HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n")
        return self.reply("late", 201)

    def do_accepted(self):
        return self.reply(str(self.server.accepted))

    def do_open(self):
        return self.reply(str(self.server.open))


NGINX = """
daemon off; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path %(folder)s/b; proxy_temp_path %(folder)s/p;
  fastcgi_temp_path %(folder)s/f; scgi_temp_path %(folder)s/s; uwsgi_temp_path %(folder)s/u;
  default_type text/plain;
  server {
    listen 127.0.0.1:%(port)d ssl http2;
    ssl_certificate %(pem)s; ssl_certificate_key %(pem)s;
    location / { add_header X-Protocol $server_protocol; return 200 "$connection"; }
  }
}
"""


def start_nginx(folder, certificate):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    conf = write(os.path.join(folder, "nginx.conf"),
                 (NGINX % {"folder": folder, "port": port, "pem": certificate}).encode())
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", conf], stdin=subprocess.DEVNULL)
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except OSError:
            if process.poll() is not None:
                raise
            time.sleep(0.02)
    raise TimeoutError("nginx does not listen")


def main():
    folder = sys.argv[1]
    ca, other = make_ca("Test Root"), make_ca("Another Root")
    write(os.path.join(folder, "ca.pem"), pem(ca[1]))
    write(os.path.join(folder, "other.pem"), pem(other[1]))
    good = make_leaf(folder, "good", ca)
    servers = {
        "good": Server(good),
        "expired": Server(make_leaf(folder, "expired", ca, begin=-2 * DAY, end=-DAY)),
        "early": Server(make_leaf(folder, "early", ca, begin=DAY, end=2 * DAY)),
        "wrong": Server(make_leaf(folder, "wrong", ca, host="other.example")),
        "old": Server(good, old=True),
        "plain": Server(good, plain=True),
        "proxy": Proxy(good, plain=True),
    }
    nginx, port = start_nginx(folder, good)
    for key, server in servers.items():
        print(key, server.port)
    print(f"nginx {port}\nready", flush=True)
    sys.stdin.read()
    nginx.terminate()
    nginx.wait()
    shutil.rmtree(folder)


main()
