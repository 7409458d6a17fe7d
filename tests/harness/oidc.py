# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The mod_chatsession authors
"""A small OpenID Connect provider: it lets in at once whoever is sent to it, as the person that the test chose."""
import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from .place import free_port, give_port_back


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """provider.claims: who logs in next; provider.metadata_url: what the relying party is configured with."""

    def __init__(self, client_id, secret):
        self.client_id, self.secret = client_id, secret
        self.claims = {}
        self._nonces = {}
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.metadata_url = f"{self.issuer}/.well-known/openid-configuration"
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                if url.path == "/authorize":
                    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                    self._redirect(f"{asked['redirect_uri']}?{urlencode({'code': provider._grant(asked), 'state': asked['state']})}")
                else:
                    self._json(provider._metadata() if url.path.startswith("/.well-known") else {"keys": []})

            def do_POST(self):
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self._json(provider._tokens(body["code"][0]))

            def _redirect(self, address):
                self.send_response(302)
                self.send_header("Location", address)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _json(self, value):
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _metadata(self):
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["HS256"]}

    def _grant(self, asked):
        code = uuid.uuid4().hex
        self._nonces[code] = asked.get("nonce")
        return code

    def _tokens(self, code):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 300, "nonce": self._nonces.pop(code),
                  "sub": self.claims["preferred_username"], **self.claims}
        signed = f"{_b64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{_b64(json.dumps(claims).encode())}"
        mac = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).digest()
        return {"access_token": uuid.uuid4().hex, "token_type": "Bearer", "expires_in": 300, "id_token": f"{signed}.{_b64(mac)}"}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        give_port_back(self.port)
