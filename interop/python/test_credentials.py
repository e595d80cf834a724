"""The chains of `alibabacloud_credentials`: how a program finds a key without its author having written one down.

A key that a chain found has to work: each is shown to `GetCallerIdentity`.
"""

import contextlib
import http.server
import json
import os
import stat
import subprocess
import sys
import threading
import uuid

import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config
from alibabacloud_credentials.provider.cli_profile import CLIProfileCredentialsProvider
from alibabacloud_credentials.provider.external import ExternalCredentialsProvider
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config as CallConfig

import issuer
import support
import tea


def identity(ready, credential):
    """Whom the server takes that credential for."""
    config = CallConfig(credential=credential, endpoint=ready.issuer_host, protocol="http")
    return StsClient(config).get_caller_identity().body.arn


def remembered(credential):
    """Its secrets, written down; they are those of a session."""
    found = credential.get_credential()
    support.temporary_key(found.access_key_id, found.access_key_secret, found.security_token)
    return credential


def session_arn(ready, name):
    return f"acs:ram::{ready.uid}:assumed-role/app-uploader/{name}"


@pytest.fixture
def trusted(ready, monkeypatch):
    """The library has no setting for an authority of one's own; Python's own is the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", ready.ca_file)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of nobody, without any key in the environment."""
    for name in list(os.environ):
        if name.startswith(("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "TEGATA_ENDPOINT")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def tegata(ready, user, *arguments, home):
    """Our own command line, with the key of that user in its environment."""
    key = ready.key(user)
    environment = {
        **os.environ,
        "HOME": str(home),
        "TEGATA_ENDPOINT": ready.issuer,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
    }
    ran = subprocess.run([support.program(), *arguments], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def write_profiles(home, *profiles):
    file = home / ".aliyun" / "config.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"current": profiles[-1]["name"], "profiles": list(profiles), "meta_path": ""}))
    file.chmod(0o600)
    return file


# --- RamRoleArn: AssumeRole by the library, over TLS ------------------------------------------------------------------


def role(ready, user="bob", **fields):
    key = ready.key(user)
    fields = {"role_arn": ready.role_arn, "role_session_name": "chain", "sts_endpoint": ready.https_host, **fields}
    return Client(Config(type="ram_role_arn", access_key_id=key.id, access_key_secret=key.secret, **fields))


def test_a_role(ready, trusted):
    assert identity(ready, remembered(role(ready))) == session_arn(ready, "chain")
    narrowed = role(ready, policy=support.session_policy(ready.bucket, "chain"), role_session_expiration=900, external_id="x-1")
    assert identity(ready, remembered(narrowed)) == session_arn(ready, "chain")


def test_a_policy_with_spaces(ready, trusted):
    # This library signs a space as `+`: what it sends is accepted all the same.
    spaced = json.dumps(json.loads(support.session_policy(ready.bucket, "a b")), indent=2)
    assert identity(ready, remembered(role(ready, policy=spaced))) == session_arn(ready, "chain")


@pytest.mark.parametrize(
    "user, fields, code",
    [
        ("dan", {}, "NoPermission"),
        ("root", {}, "NoPermission"),
        ("bob", {"role_session_expiration": 3601}, "InvalidParameter.DurationSeconds"),
        ("bob", {"policy": "[]"}, "InvalidParameter.PolicyGrammar"),
        ("bob", {"role_session_name": "!"}, "InvalidParameter.RoleSessionName"),
    ],
)
def test_a_role_refused(ready, trusted, user, fields, code):
    with pytest.raises(CredentialException, match=f'"Code":"{code}"'):
        role(ready, user, **fields).get_credential()


def test_an_unknown_authority(ready):
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        role(ready, sts_endpoint=ready.https_host.replace("127.0.0.1", "localhost")).get_credential()


# --- OIDC: AssumeRoleWithOIDC by the library, with a token instead of a key -------------------------------------------


def test_a_token_file(ready, trusted, tmp_path):
    alice, name, file = ready.key("alice"), f"job-{uuid.uuid4().hex[:12]}", tmp_path / "token"
    ims, ram = tea.caller(ready, "ims"), tea.caller(ready, "ram")
    provider = f"acs:ram::{ready.uid}:oidc-provider/{name}"
    chain = Config(
        type="oidc_role_arn",
        role_arn=f"acs:ram::{ready.uid}:role/{name}",
        oidc_provider_arn=provider,
        oidc_token_file_path=str(file),
        role_session_name="job",
        sts_endpoint=ready.https_host,
    )
    with issuer.running() as idp:

        def hand(*claims, **more):
            token = idp.token(*claims, **more)
            support.remember(token)
            # As CI systems write it.
            file.write_text(f"{token}\n")

        condition = {"StringEquals": {"oidc:iss": [idp.url], "oidc:aud": ["interop"]}, "StringLike": {"oidc:sub": ["repo:acme/*"]}}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Federated": [provider]}, "Condition": condition}
        trust = json.dumps({"Version": "1", "Statement": [statement]})
        ims(alice, "CreateOIDCProvider", {"OIDCProviderName": name, "IssuerUrl": idp.url, "ClientIds": "interop"})
        ram(alice, "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": trust})
        try:
            hand("interop", "repo:acme/app")
            assert identity(ready, remembered(Client(chain))) == f"acs:ram::{ready.uid}:assumed-role/{name}/job"
            for claims, more, code in [
                (("somebody-else", "repo:acme/app"), {}, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
                (("interop", "repo:evil/app"), {}, "AuthenticationFail.NoPermission"),
                (("interop", "repo:acme/app"), {"iat": 1_700_000_000, "exp": 1_700_000_600}, "AuthenticationFail.OIDCToken.Expired"),
            ]:
                hand(*claims, **more)
                with pytest.raises(CredentialException, match=f'"Code":"{code}"'):
                    Client(chain).get_credential()
        finally:
            ram(alice, "DeleteRole", {"RoleName": name})
            ims(alice, "DeleteOIDCProvider", {"OIDCProviderName": name})


# --- CredentialsURI ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def served(body, status=200):
    """A URL on loopback that answers `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/credentials"
    finally:
        server.shutdown()
        server.server_close()


def test_a_credentials_uri(ready, home):
    body = tegata(ready, "bob", "credentials", "--format", "uri", "--role", ready.role_arn, "--role-session-name", "uri", home=home)
    with served(body) as uri:
        assert identity(ready, remembered(Client(Config(type="credentials_uri", credentials_uri=uri)))) == session_arn(ready, "uri")
    with served('{"Code":"Failed"}') as uri, pytest.raises(CredentialException):
        Client(Config(type="credentials_uri", credentials_uri=uri)).get_credential()


def test_a_credentials_uri_from_the_environment(ready, home):
    body = tegata(ready, "bob", "credentials", "--format", "uri", "--role", ready.role_arn, "--role-session-name", "uri", home=home)
    with served(body) as uri:
        assert whoami(ready, {"ALIBABA_CLOUD_CREDENTIALS_URI": uri, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}) == session_arn(ready, "uri")


# --- External: a program that prints a key ----------------------------------------------------------------------------


def command(ready, name="external"):
    """What a profile says; its own profile `base` has the key."""
    program = support.program()
    return f"{program} credentials --format aliyun --profile base --role {ready.role_arn} --role-session-name {name} --endpoint {ready.issuer}"


def base(ready, user="bob"):
    key = ready.key(user)
    return {"name": "base", "mode": "AK", "access_key_id": key.id, "access_key_secret": key.secret, "region_id": "cn-hangzhou"}


def test_a_program(ready, home):
    write_profiles(home, base(ready))
    credential = Client(provider=ExternalCredentialsProvider(process_command=command(ready)))
    assert identity(ready, remembered(credential)) == session_arn(ready, "external")


def test_a_program_that_is_refused(ready, home):
    write_profiles(home, base(ready, "dan"))
    with pytest.raises(CredentialException, match="NoPermission"):
        ExternalCredentialsProvider(process_command=command(ready)).get_credentials()


def test_a_profile_with_a_program(ready, home):
    file = write_profiles(home, base(ready), {"name": "ext", "mode": "External", "process_command": command(ready), "region_id": "x"})
    provider = CLIProfileCredentialsProvider(profile_name="ext", profile_file=str(file))
    assert identity(ready, remembered(Client(provider=provider))) == session_arn(ready, "external")
    # The library keeps what it got in the profile. Ours still reads the file, and nobody else can.
    kept = {profile["name"]: profile for profile in json.loads(file.read_text())["profiles"]}
    assert kept["ext"]["access_key_id"].startswith("STS."), kept["ext"].keys()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = subprocess.run([support.program(), "profile", "list"], capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0 and "External" in listed.stdout, listed.stderr


# --- the default chain ------------------------------------------------------------------------------------------------

WHOAMI = """
import sys
from alibabacloud_credentials.client import Client
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config
print(StsClient(Config(credential=Client(), endpoint=sys.argv[1], protocol="http")).get_caller_identity().body.arn)
"""


def whoami(ready, environment):
    """Whom the server sees in a program that says nothing about keys; the chain reads the environment when it is imported."""
    ran = subprocess.run(
        [sys.executable, "-c", WHOAMI, ready.issuer_host], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_default_chain_in_our_exec(ready, home):
    arguments = ["exec", "--role", ready.role_arn, "--role-session-name", "exec", "--", sys.executable, "-c", WHOAMI, ready.issuer_host]
    assert tegata(ready, "bob", *arguments, home=home).strip() == session_arn(ready, "exec")


def test_the_default_chain_with_a_profile(ready, home):
    write_profiles(home, base(ready), {"name": "ext", "mode": "External", "process_command": command(ready), "region_id": "x"})
    assert whoami(ready, {}) == session_arn(ready, "external")
    assert whoami(ready, {"ALIBABA_CLOUD_PROFILE": "base"}) == ready.user_arn("bob")


def test_the_default_chain_in_our_agent(ready, home):
    # This library leaves the port out of `Host`.
    arguments = ["agent", "--role", ready.role_arn, "--role-session-name", "agent", "--", sys.executable, "-c", WHOAMI, ready.issuer_host]
    assert tegata(ready, "bob", *arguments, home=home).strip() == session_arn(ready, "agent")
