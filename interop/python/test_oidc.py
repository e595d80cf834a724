"""AssumeRoleWithOIDC, as jobs of a CI system use it: a token of their issuer instead of a key.

Clients send this call unsigned, in two layouts here: `alibabacloud_sts20150401` posts everything in the query, `alibabacloud_credentials` gets it,
with the final newline of its token file. (`@alicloud/credentials` posts a form: see the Node.js suite.)
"""

import contextlib
import json
import uuid

import pytest
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config
from alibabacloud_sts20150401 import models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config as CallConfig

import issuer
import support
import tea

AUDIENCE = "tegata-interop"
SUBJECT = "repo:acme/app:ref:refs/heads/main"


class Federation:
    """An issuer, registered, and a role for its jobs."""

    def __init__(self, ready, idp):
        self.ready, self.idp = ready, idp
        self.name = f"job-{uuid.uuid4().hex[:12]}"
        self.provider_arn = f"acs:ram::{ready.uid}:oidc-provider/{self.name}"
        self.role_arn = f"acs:ram::{ready.uid}:role/{self.name}"
        self.session_arn = f"acs:ram::{ready.uid}:assumed-role/{self.name}/ci"

    def token(self, audience=AUDIENCE, subject=SUBJECT, **claims):
        token = self.idp.token(audience, subject, **claims)
        support.remember(token)
        return token


@pytest.fixture(scope="module")
def federation(ready):
    alice = ready.key("alice")
    ims, ram = tea.caller(ready, "ims"), tea.caller(ready, "ram")
    with contextlib.ExitStack() as undo:
        idp = undo.enter_context(issuer.running())
        federation = Federation(ready, idp)
        made = {"OIDCProviderName": federation.name, "IssuerUrl": idp.url, "ClientIds": AUDIENCE, "IssuanceLimitTime": 1}
        ims(alice, "CreateOIDCProvider", made)
        undo.callback(ims, alice, "DeleteOIDCProvider", {"OIDCProviderName": federation.name})
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Federated": [federation.provider_arn]},
            "Condition": {
                "StringEquals": {"oidc:iss": [idp.url], "oidc:aud": [AUDIENCE]},
                "StringLike": {"oidc:sub": ["repo:acme/*:ref:refs/heads/main"]},
            },
        }
        trust = json.dumps({"Version": "1", "Statement": [statement]})
        ram(alice, "CreateRole", {"RoleName": federation.name, "AssumeRolePolicyDocument": trust})
        undo.callback(ram, alice, "DeleteRole", {"RoleName": federation.name})
        yield federation


def assume(federation, token, **fields):
    """By the STS library, without any key."""
    config = CallConfig(endpoint=federation.ready.issuer_host, protocol="http", access_key_id="none", access_key_secret="none")
    fields = {
        "role_arn": federation.role_arn,
        "oidcprovider_arn": federation.provider_arn,
        "oidctoken": token,
        "role_session_name": "ci",
        **fields,
    }
    return StsClient(config).assume_role_with_oidc(models.AssumeRoleWithOIDCRequest(**fields)).body


def identity(ready, key):
    config = CallConfig(access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=ready.issuer_host, protocol="http")
    return StsClient(config).get_caller_identity().body.arn


def test_a_token_becomes_a_session(ready, federation):
    answer = assume(federation, federation.token())
    given = answer.credentials
    key = support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token, given.expiration)
    assert identity(ready, key) == federation.session_arn
    assert answer.assumed_role_user.arn == f"{federation.role_arn}/ci"
    told = answer.oidctoken_info
    assert (told.subject, told.issuer, told.client_ids) == (SUBJECT, federation.idp.url, AUDIENCE)
    assert told.verification_info == "Success"


@pytest.mark.parametrize(
    "claims, code",
    [
        ({"audience": "somebody-else"}, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        ({"subject": "repo:evil/app:ref:refs/heads/main"}, "AuthenticationFail.NoPermission"),
        ({"exp": 1_700_000_600, "iat": 1_700_000_000}, "AuthenticationFail.OIDCToken.Expired"),
    ],
)
def test_a_token_refused(federation, claims, code):
    with pytest.raises(AlibabaCloudException) as caught:
        assume(federation, federation.token(**claims))
    assert (caught.value.status_code, caught.value.code) == (401, code)


def test_a_token_spoiled(federation):
    whole = federation.token()
    header, claims, signature = whole.split(".")
    for token, code in [
        (f"{header}.{claims}.{support.tampered(signature)}", "AuthenticationFail.OIDCToken.InvalidSignature"),
        (f"{header}.{claims}", "AuthenticationFail.OIDCToken.Invalid"),
        (f"{issuer.encoded({'alg': 'none', 'typ': 'JWT'})}.{claims}.", "AuthenticationFail.OIDCToken.Invalid"),
        (f"{issuer.encoded({'alg': 'HS256', 'typ': 'JWT'})}.{claims}.{signature}", "AuthenticationFail.OIDCToken.Invalid"),
    ]:
        with pytest.raises(AlibabaCloudException) as caught:
            assume(federation, token)
        assert (caught.value.status_code, caught.value.code) == (401, code), token


def test_a_role_that_does_not_trust_the_issuer(ready, federation):
    with pytest.raises(AlibabaCloudException) as caught:
        assume(federation, federation.token(), role_arn=ready.role_arn)
    assert (caught.value.status_code, caught.value.code) == (401, "AuthenticationFail.NoPermission")


def test_a_token_file(ready, federation, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", ready.ca_file)
    file = tmp_path / "token"
    file.write_text(f"{federation.token()}\n")

    def chain(**fields):
        fields = {
            "role_arn": federation.role_arn,
            "oidc_provider_arn": federation.provider_arn,
            "oidc_token_file_path": str(file),
            "role_session_name": "ci",
            "sts_endpoint": ready.https_host,
            **fields,
        }
        return Client(Config(type="oidc_role_arn", **fields))

    found = chain(role_session_expiration=900, policy=support.session_policy(ready.bucket, "ci")).get_credential()
    key = support.temporary_key(found.access_key_id, found.access_key_secret, found.security_token)
    assert identity(ready, key) == federation.session_arn
    file.write_text(federation.token(audience="somebody-else"))
    with pytest.raises(CredentialException, match="AudienceNotMatch"):
        chain().get_credential()
