"""Federation by OpenID Connect: a provider of its own signs ID tokens, the public Python clients trade them for roles.

IMS operations through `alibabacloud_ims20190815`, `AssumeRoleWithOIDC` through `alibabacloud_sts20150401` and the chain of
`alibabacloud_credentials`, each of which lays the anonymous request out in its own way.
"""

import base64
import hashlib
import hmac
import json
import urllib.parse
import uuid

import pytest
import requests
from alibabacloud_credentials.client import Client as Credential
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ims20190815.client import Client as Ims
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as Ram
from alibabacloud_sts20150401 import models as sts
from alibabacloud_sts20150401.client import Client as Sts
from alibabacloud_tea_openapi.models import Config
from oidc_provider_mock import run_server_in_thread
from Tea.exceptions import TeaException

import support

AUDIENCE = "sts.tegata.test"
SUBJECT = "repo:acme/app:ref:refs/heads/main"


def client(kind, ready, user="alice", key=None):
    key = key or ready.key(user)
    return kind(
        Config(
            access_key_id=key.id,
            access_key_secret=key.secret,
            security_token=key.token,
            endpoint=ready.issuer_host,
            protocol="http",
        )
    )


def refused(call, code, status=None):
    with pytest.raises(TeaException) as caught:
        call()
    assert caught.value.code == code, caught.value
    if status is not None:
        assert caught.value.statusCode == status
    return caught.value


def provider_arn(ready, name):
    return f"acs:ram::{ready.uid}:oidc-provider/{name}"


def trust(ready, provider, condition):
    principal = {"Federated": [provider_arn(ready, provider)]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": condition}
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)


class Issuer:
    """A running provider whose users sign in by typing their name."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def id_token(self, subject=SUBJECT, audience=AUDIENCE):
        """One authorization code flow, as a browser and a client would walk it."""
        back = "http://127.0.0.1:1/back"
        asked = {"client_id": audience, "redirect_uri": back, "response_type": "code", "scope": "openid", "state": "s"}
        page = requests.post(
            f"{self.url}/oauth2/authorize", params=asked, data={"sub": subject}, allow_redirects=False, timeout=10
        )
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(page.headers["location"]).query)["code"][0]
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        answer = requests.post(f"{self.url}/oauth2/token", data=grant, auth=(audience, "any"), timeout=10)
        token = answer.json()["id_token"]
        support.remember(token)
        return token


@pytest.fixture(scope="module")
def issuer():
    with run_server_in_thread() as server:
        yield Issuer(server.server_port)


@pytest.fixture(scope="module")
def federation(ready, issuer):
    """A provider and a role that trusts one subject of it."""
    api, roles = client(Ims, ready), client(Ram, ready)
    name, role = f"ci-{uuid.uuid4().hex[:8]}", f"deployer-{uuid.uuid4().hex[:8]}"
    request = ims.CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=issuer.url, client_ids=f"{AUDIENCE},second")
    api.create_oidcprovider(request)
    condition = {
        "StringEquals": {"oidc:iss": [issuer.url], "oidc:aud": [AUDIENCE]},
        "StringLike": {"oidc:sub": ["repo:acme/app:ref:refs/heads/*"]},
    }
    document = trust(ready, name, condition)
    made = roles.create_role(ram.CreateRoleRequest(role_name=role, assume_role_policy_document=document)).body
    assert made.role.role_name == role
    yield name, role
    roles.delete_role(ram.DeleteRoleRequest(role_name=role))
    api.delete_oidcprovider(ims.DeleteOIDCProviderRequest(oidcprovider_name=name))


def request(ready, federation, token, **fields):
    name, role = federation
    given = {
        "oidcprovider_arn": provider_arn(ready, name),
        "role_arn": f"acs:ram::{ready.uid}:role/{role}",
        "oidctoken": token,
        "role_session_name": "build-7",
        **fields,
    }
    return sts.AssumeRoleWithOIDCRequest(**given)


def assume(ready, federation, token, **fields):
    return client(Sts, ready).assume_role_with_oidc(request(ready, federation, token, **fields)).body


def identity(ready, key):
    return client(Sts, ready, key=key).get_caller_identity().body


def test_a_token_becomes_a_role_session(ready, issuer, federation):
    body = assume(ready, federation, issuer.id_token() + "\n", duration_seconds=900)
    info = body.oidctoken_info
    assert (info.subject, info.issuer, info.client_ids) == (SUBJECT, issuer.url, AUDIENCE)
    assert info.verification_info == "Success"
    assert body.assumed_role_user.assumed_role_id.endswith(":build-7")
    given = body.credentials
    key = support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token, given.expiration)
    me = identity(ready, key)
    assert me.identity_type == "AssumedRoleUser"
    assert me.arn == f"acs:ram::{ready.uid}:assumed-role/{federation[1]}/build-7"


def test_the_chain_of_the_credentials_library(ready, issuer, federation, tmp_path):
    file = tmp_path / "token"
    file.write_text(issuer.id_token() + "\n")
    name, role = federation
    config = CredentialConfig(
        type="oidc_role_arn",
        role_arn=f"acs:ram::{ready.uid}:role/{role}",
        oidc_provider_arn=provider_arn(ready, name),
        oidc_token_file_path=str(file),
        role_session_name="chain",
        duration_seconds=900,
        sts_endpoint=f"http://{ready.issuer_host}",
    )
    given = Credential(config).get_credential()
    key = support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token)
    assert identity(ready, key).arn.endswith(f"assumed-role/{role}/chain")


@pytest.mark.parametrize("layout", ["all in the query", "query by GET", "business in the form"])
def test_the_three_layouts(ready, issuer, federation, layout):
    name, role = federation
    common = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "json", "Timestamp": "2026-01-01T00:00:00Z"}
    business = {
        "OIDCProviderArn": provider_arn(ready, name),
        "RoleArn": f"acs:ram::{ready.uid}:role/{role}",
        "OIDCToken": issuer.id_token(),
        "RoleSessionName": "by-hand",
        "DurationSeconds": "900",
        "Policy": json.dumps({"Version": "1", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}),
    }
    if layout == "all in the query":
        headers = {"x-acs-action": "AssumeRoleWithOIDC", "x-acs-version": "2015-04-01"}
        params = {**common, **business, "SignatureNonce": uuid.uuid4().hex}
        answer = requests.post(f"{ready.issuer}/", params=params, headers=headers, timeout=10)
    elif layout == "query by GET":
        answer = requests.get(f"{ready.issuer}/", params={**common, **business}, timeout=10)
    else:
        answer = requests.post(f"{ready.issuer}/", params=common, data=business, timeout=10)
    assert answer.status_code == 200, answer.text
    given = answer.json()["Credentials"]
    support.temporary_key(given["AccessKeyId"], given["AccessKeySecret"], given["SecurityToken"], given["Expiration"])


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_is_not_let_in(ready, issuer, federation):
    token = issuer.id_token()
    _, payload, signature = token.split(".")
    public = requests.get(f"{issuer.url}/jwks", timeout=10).json()["keys"][0]
    header = encoded({"alg": "HS256", "kid": public.get("kid", "")})
    secret = hmac.new(public["n"].encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    confused = f"{header}.{payload}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"
    prefix = "AuthenticationFail.OIDCToken."
    for bad, code in [
        ("", prefix + "Invalid"),
        ("not-a-token", prefix + "Invalid"),
        (confused, prefix + "Invalid"),
        (f"{encoded({'alg': 'none'})}.{payload}.", prefix + "Invalid"),
        (f"{token[: -len(signature)]}{'A' * len(signature)}", prefix + "InvalidSignature"),
        (issuer.id_token(audience="third"), prefix + "AudienceNotMatch"),
        # The audience is accepted by the provider, but not by the role.
        (issuer.id_token(audience="second"), "AuthenticationFail.NoPermission"),
        (issuer.id_token("repo:evil/app:ref:refs/heads/main"), "AuthenticationFail.NoPermission"),
    ]:
        refused(lambda bad=bad: assume(ready, federation, bad), code, 401)
    refused(lambda: assume(ready, federation, token, duration_seconds=899), "InvalidParameter.DurationSeconds", 400)
    refused(lambda: assume(ready, federation, token, role_session_name="x"), "InvalidParameter.RoleSessionName", 400)
    refused(lambda: assume(ready, federation, token, policy="{}"), "InvalidParameter.PolicyGrammar", 400)
    refused(lambda: assume(ready, federation, token, role_arn="app"), "InvalidParameter.RoleArn", 400)
    refused(lambda: assume(ready, federation, token, oidcprovider_arn="ci"), "InvalidParameter.OIDCProviderArn", 400)
    refused(
        lambda: assume(ready, federation, token, oidcprovider_arn=provider_arn(ready, "nobody")),
        "AuthenticationFail.NoPermission",
        401,
    )


def test_providers_through_the_public_client(ready, issuer):
    api = client(Ims, ready)
    name = f"other-{uuid.uuid4().hex[:8]}"
    url = f"https://{uuid.uuid4().hex}.test/realm"
    create = ims.CreateOIDCProviderRequest(
        oidcprovider_name=name,
        issuer_url=url,
        client_ids="first,second",
        fingerprints="902EF2DEEB3C5B13EA4C3D5193629309E231AE55",
        issuance_limit_time=6,
        description="for a test",
    )
    made = api.create_oidcprovider(create).body.oidcprovider
    assert made.arn == provider_arn(ready, name)
    assert made.fingerprints == "902ef2deeb3c5b13ea4c3d5193629309e231ae55"
    assert (made.issuance_limit_time, made.description, made.client_ids) == (6, "for a test", "first,second")
    refused(lambda: api.create_oidcprovider(create), "EntityAlreadyExists.OIDCProvider", 409)

    get = ims.GetOIDCProviderRequest(oidcprovider_name=name)
    assert api.get_oidcprovider(get).body.oidcprovider.issuer_url == url
    added = ims.AddClientIdToOIDCProviderRequest(oidcprovider_name=name, client_id="third")
    assert api.add_client_id_to_oidcprovider(added).body.oidcprovider.client_ids == "first,second,third"
    removed = ims.RemoveClientIdFromOIDCProviderRequest(oidcprovider_name=name, client_id="first")
    assert api.remove_client_id_from_oidcprovider(removed).body.oidcprovider.client_ids == "second,third"
    added = ims.AddFingerprintToOIDCProviderRequest(oidcprovider_name=name, fingerprint="ab" * 20)
    assert len(api.add_fingerprint_to_oidcprovider(added).body.oidcprovider.fingerprints.split(",")) == 2
    removed = ims.RemoveFingerprintFromOIDCProviderRequest(oidcprovider_name=name, fingerprint="AB" * 20)
    assert len(api.remove_fingerprint_from_oidcprovider(removed).body.oidcprovider.fingerprints.split(",")) == 1
    update = ims.UpdateOIDCProviderRequest(oidcprovider_name=name, client_ids="only", new_description="changed")
    now = api.update_oidcprovider(update).body.oidcprovider
    assert (now.client_ids, now.description, now.issuance_limit_time) == ("only", "changed", 6)
    listed = api.list_oidcproviders(ims.ListOIDCProvidersRequest(max_items=1)).body
    assert len(listed.oidcproviders.oidcprovider) == 1
    while listed.is_truncated:
        listed = api.list_oidcproviders(ims.ListOIDCProvidersRequest(max_items=1, marker=listed.marker)).body
    api.delete_oidcprovider(ims.DeleteOIDCProviderRequest(oidcprovider_name=name))
    refused(lambda: api.get_oidcprovider(get), "EntityNotExist.OIDCProvider", 404)
    refused(
        lambda: api.create_oidcprovider(ims.CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url="https://a.test/?x")),
        "InvalidParameter.IssuerUrl",
        400,
    )
    refused(lambda: client(Ims, ready, "bob").get_oidcprovider(get), "NoPermission", 403)


def test_a_policy_may_name_either_prefix(ready):
    roles = client(Ram, ready)
    name = f"reader-{uuid.uuid4().hex[:8]}"
    document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ims:ListOIDCProviders", "Resource": "*"}]}
    roles.create_policy(ram.CreatePolicyRequest(policy_name=name, policy_document=json.dumps(document)))
    roles.attach_policy_to_user(ram.AttachPolicyToUserRequest(policy_type="Custom", policy_name=name, user_name="bob"))
    try:
        client(Ims, ready, "bob").list_oidcproviders(ims.ListOIDCProvidersRequest())
        refused(
            lambda: client(Ims, ready, "bob").delete_oidcprovider(ims.DeleteOIDCProviderRequest(oidcprovider_name="x")),
            "NoPermission",
            403,
        )
    finally:
        detach = ram.DetachPolicyFromUserRequest(policy_type="Custom", policy_name=name, user_name="bob")
        roles.detach_policy_from_user(detach)
        roles.delete_policy(ram.DeletePolicyRequest(policy_name=name))


def test_a_deleted_provider_ends_its_sessions(ready, issuer):
    """And one made again under its name inherits nothing: the role has to be told."""
    api, roles = client(Ims, ready), client(Ram, ready)
    name, role = f"gone-{uuid.uuid4().hex[:8]}", f"gone-{uuid.uuid4().hex[:8]}"
    with run_server_in_thread() as server:
        own = Issuer(server.server_port)
        create = ims.CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=own.url, client_ids=AUDIENCE)
        delete = ims.DeleteOIDCProviderRequest(oidcprovider_name=name)
        api.create_oidcprovider(create)
        document = trust(ready, name, {"StringEquals": {"oidc:aud": [AUDIENCE], "oidc:sub": [SUBJECT]}})
        roles.create_role(ram.CreateRoleRequest(role_name=role, assume_role_policy_document=document))
        given = assume(ready, (name, role), own.id_token()).credentials
        key = support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token)
        identity(ready, key)
        api.delete_oidcprovider(delete)
        refused(lambda: identity(ready, key), "InvalidSecurityToken.Expired", 400)
        api.create_oidcprovider(create)
        refused(lambda: assume(ready, (name, role), own.id_token()), "AuthenticationFail.NoPermission", 401)
        update = ram.UpdateRoleRequest(role_name=role, new_assume_role_policy_document=document)
        roles.update_role(update)
        assume(ready, (name, role), own.id_token())
        roles.delete_role(ram.DeleteRoleRequest(role_name=role))
        api.delete_oidcprovider(delete)
