"""An OpenID provider: its discovery document, its keys, and tokens as a CI system would hand them to its jobs."""

import base64
import contextlib
import http.server
import json
import threading
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.id = uuid.uuid4().hex

    def answer(self, path):
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/keys":
            numbers = self.key.public_key().public_numbers()
            modulus = numbers.n.to_bytes(256, "big")
            return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": encoded(modulus), "e": "AQAB"}]}
        return None

    def token(self, audience, subject, **claims):
        now = int(time.time())
        all_claims = {"iss": self.url, "aud": audience, "sub": subject, "iat": now, "exp": now + 600, "jti": uuid.uuid4().hex, **claims}
        signed = f"{encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': self.id})}.{encoded(all_claims)}"
        return f"{signed}.{encoded(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@contextlib.contextmanager
def running():
    """An issuer that answers on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = issuer.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
