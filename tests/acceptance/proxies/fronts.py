"""Real proxies, with the configuration of a page of the documents on ports that are free."""

import datetime as dt
import os
import socket
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engines.servers import Server, free_port

NAME = "www.example.com"
UPSTREAM = "127.0.0.1:8001"
STATIC = "/srv/mysite/static"

_MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 128; }}
http {{
    access_log off;
    types {{ text/css css; text/javascript js; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
_CADDY_OPTIONS = """
{{
    admin off
    local_certs
    skip_install_trust
    auto_https disable_redirects
    default_bind 127.0.0.1
    http_port {plain}
}}
"""


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a configuration in which each of some texts, which must be there, is another."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the configuration any more:\n{text}"
        text = text.replace(old, new)
    return text


def trusting() -> ssl.SSLContext:
    """Return what lets a client take a certificate that nobody has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Front(Server):
    """A proxy that serves `NAME`.

    Args:
        program: path of the program.
        folder: where its data and its log are.
        site: the configuration, as the page has it.
        upstream: the port of the server behind it.
        static: the folder with the static files.
    """

    def __init__(self, program: str, folder: Path, site: str, upstream: int, static: Path) -> None:
        super().__init__(program, folder)
        self._site = site
        self._plain = 0
        self._places = {UPSTREAM: f"127.0.0.1:{upstream}", STATIC: str(static)}

    def command(self) -> list[str]:
        """Write the configuration, and return the command."""
        self._plain = free_port()
        path = self.folder / "configuration"
        path.write_text(self.configuration(), encoding="utf-8")
        return [self.program, *self.arguments(str(path))]

    @abstractmethod
    def arguments(self, path: str) -> list[str]:
        """Return what it is told, the path of its configuration too."""

    @abstractmethod
    def configuration(self) -> str:
        """Return all of its configuration."""

    def answers(self) -> bool:
        """Return whether it takes a connection with TLS."""
        with suppress(OSError), self.connection():
            return True
        return False

    def connection(self) -> ssl.SSLSocket:
        """Return a new connection, as a browser makes it that asks for `NAME`."""
        plain = socket.create_connection(("127.0.0.1", self.port), 60)
        try:
            return trusting().wrap_socket(plain, server_hostname=NAME)
        except OSError:
            plain.close()
            raise

    def ask_plainly(self, path: str) -> str:
        """Return the head of the answer to a request without TLS."""
        with socket.create_connection(("127.0.0.1", self._plain), 60) as plain:
            plain.sendall(f"GET {path} HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
            with plain.makefile("rb") as answer:
                return answer.read().decode().partition("\r\n\r\n")[0] + "\r\n"


class Nginx(Front):
    """nginx, with a certificate that it signs itself."""

    name = "nginx"

    def configuration(self) -> str:
        """Return the main part, with the site in it."""
        certificate(self.folder)
        changes = {
            **self._places,
            "listen 80;": f"listen 127.0.0.1:{self._plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "/etc/ssl/mysite.pem": f"{self.folder}/mysite.pem",
            "/etc/ssl/mysite.key": f"{self.folder}/mysite.key",
        }
        # It would go over to a user who cannot read the folders of this test.
        user = "user root;" if os.geteuid() == 0 else ""
        return _MAIN.format(user=user, folder=self.folder, site=replaced(self._site, changes))

    def arguments(self, path: str) -> list[str]:
        """Return the options."""
        return ["-e", "stderr", "-p", str(self.folder), "-c", path]


class Caddy(Front):
    """Caddy, with the certificates that it makes for names of its own machine."""

    name = "Caddy"

    def configuration(self) -> str:
        """Return the options for all sites, and the site."""
        site = {f"{NAME} {{": f"https://{NAME}:{self.port} {{"}
        options = _CADDY_OPTIONS.format(plain=self._plain)
        return options + replaced(self._site, {**self._places, **site})

    def arguments(self, path: str) -> list[str]:
        """Return the options."""
        return ["run", "--config", path, "--adapter", "caddyfile"]

    def options(self) -> dict[str, Any]:
        """Have it keep all that it keeps in its folder."""
        names = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        return {"env": {**os.environ, **dict.fromkeys(names, str(self.folder))}}


def certificate(folder: Path) -> None:
    """Write a certificate of `NAME`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "mysite.pem").write_bytes(signed.public_bytes(pem))
    (folder / "mysite.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
