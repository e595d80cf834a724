"""Letters by SMTP: a server of its own, under `serve`, gives them to aiosmtpd after STARTTLS, by name and password."""

import datetime
import email
import email.policy
import ipaddress
import re
import socket
import ssl
import subprocess
import time
from collections import namedtuple

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import ours
import support
from people import Browser

NAME, PASSWORD = "tegata", "the password of the mail server"
OWNER = "owner@people.test"
World = namedtuple("World", "issuer key post")


class Post:
    """Keeps what it is given."""

    def __init__(self):
        self.letters = []
        self.secure = []

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((envelope.rcpt_tos, letter))
        self.secure.append((session.ssl is not None, session.authenticated))
        return "250 kept"

    def wait(self, subject, seconds=30):
        """The newest letter with that subject."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for to, letter in reversed(self.letters):
                if letter["subject"].startswith(subject):
                    self.letters.clear()
                    return to, letter
            time.sleep(0.1)
        raise AssertionError(f"no letter `{subject}`: {[letter['subject'] for _, letter in self.letters]}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "mail.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "mail.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "mail.pem", folder / "mail.key"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mail")
    chain, key = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)

    def authenticate(server, session, envelope, mechanism, given):
        return AuthResult(success=(given.login, given.password) == (NAME.encode(), PASSWORD.encode()))

    post = Post()
    mail_server = Controller(
        post,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    mail_server.start()
    http, oss = free_port(), free_port()
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "tegata.toml").write_text(
        f"""
        data = "data"
        [http]
        listen = "127.0.0.1:{http}"
        [oss]
        listen = "127.0.0.1:{oss}"
        public_host = "localhost:{oss}"
        [mail]
        host = "127.0.0.1"
        port = {mail_server.port}
        tls = "starttls"
        user = "{NAME}"
        password_file = "password"
        ca_file = "mail.pem"
        from = "tegata <no-reply@id.people.test>"
        language = "en"
        """
    )
    check = [support.program(), "config", "check", "--config", folder / "tegata.toml"]
    assert subprocess.run(check, capture_output=True, text=True, timeout=60).returncode == 0
    serve = [support.program(), "serve", "--config", folder / "tegata.toml", "--account", "acme", "--owner", OWNER]
    log = (folder / "log").open("w")
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        shown = ""
        while "access key secret" not in shown:
            line = server.stdout.readline()
            assert line, (folder / "log").read_text()
            shown += line
        key = support.Key(*(re.search(rf"access key {what}\s+(\S+)", shown)[1] for what in ("id", "secret")))
        support.remember(key.secret)
        issuer = f"http://127.0.0.1:{http}"
        until = time.monotonic() + 30
        while time.monotonic() < until and "ready" not in (folder / "log").read_text():
            time.sleep(0.1)
        yield World(issuer, key, post)
    finally:
        server.terminate()
        server.wait(60)
        mail_server.stop()
    said = (folder / "log").read_text()
    assert "/reset/" not in said and "/not-me/" not in said and PASSWORD not in said, "the log keeps letters to itself"


@pytest.fixture(scope="module")
def alice(world):
    """A user with an address and a password."""
    ask = ours.caller(world, "ims")
    ask(world.key, "CreateUser", {"UserPrincipalName": "alice@acme.onaliyun.com", "Email": "alice@people.test", "DisplayName": "alice"})
    given = {"UserPrincipalName": "alice@acme.onaliyun.com", "Password": "Correct-horse-battery-1", "PasswordResetRequired": "false"}
    ask(world.key, "CreateLoginProfile", given)
    return {"login": "alice@acme", "password": given["Password"]}


def link(letter):
    return re.search(r"http://\S+/(?:reset|not-me)/\S+", letter.get_content())[0]


def test_a_new_browser_is_told_of_under_tls_and_by_password(world, alice):
    browser = Browser().get(f"{world.issuer}/signin").sign_in(alice)
    assert "Sign out" in browser.page.text
    to, letter = world.post.wait("New sign-in")
    assert to == ["alice@people.test"] and letter["to"] == "alice@people.test"
    assert letter["from"] == "tegata <no-reply@id.people.test>"
    assert letter["auto-submitted"] == "auto-generated" and letter["message-id"] and letter["date"]
    assert letter.get_content_type() == "text/plain" and "python-requests" in letter.get_content()
    assert all(secure and known for secure, known in world.post.secure)


def test_a_forgotten_password_is_set_by_letter_and_what_was_not_oneself_undone(world, alice):
    browser = Browser().get(f"{world.issuer}/reset").submit(username="alice@people.test")
    assert browser.title() == "Look into your mailbox"
    _, letter = world.post.wait("Set a new password")
    support.remember(link(letter).rsplit("/", 1)[1])
    browser.get(link(letter)).submit(password="Battery-staple-2", again="Battery-staple-2")
    assert browser.title() == "Sign in"
    assert browser.get(link(letter)).page.status_code == 404
    changed = world.post.wait("Your password was changed")[1]
    thief = Browser().get(f"{world.issuer}/signin").sign_in({"login": "alice@acme", "password": "Battery-staple-2"})
    assert "Sign out" in thief.page.text
    support.remember(link(changed).rsplit("/", 1)[1])
    assert browser.get(link(changed)).title() == "Was that not you?"
    browser.submit()
    assert browser.title() == "Done"
    assert thief.get(f"{world.issuer}/signin").title() == "Sign in"
    assert "/reset/" in link(world.post.wait("Set a new password")[1])


def test_in_japanese_for_whoever_asks_in_japanese(world, alice):
    browser = Browser().get(f"{world.issuer}/reset?lang=ja").submit(username="alice@acme")
    assert browser.page.status_code == 200
    _, letter = world.post.wait("新しいパスワードの設定")
    assert "30分以内" in letter.get_content()


def test_nobody_gets_nothing(world, alice):
    before = len(world.post.letters)
    browser = Browser().get(f"{world.issuer}/reset").submit(username="ghost@people.test")
    assert browser.title() == "Look into your mailbox"
    time.sleep(3)
    assert len(world.post.letters) == before
