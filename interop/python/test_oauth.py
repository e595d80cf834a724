"""The authorization server through Authlib, which knows OAuth by the standards alone, and applications through the vendor's IMS SDK."""

import time

import pytest
from alibabacloud_ims20190815 import models
from alibabacloud_ims20190815.client import Client
from alibabacloud_tea_openapi.models import Config
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
import requests

import support
from people import Browser
from test_login import CALLBACK, CLIENTS, installed, world  # noqa: F401


@pytest.fixture(scope="module")
def metadata(ready):
    found = requests.get(f"{ready.issuer}/.well-known/oauth-authorization-server", timeout=10)
    found.raise_for_status()
    return found.json()


def session(ready, method="client_secret_basic", **fields):
    bench = ready.all["clients"]["bench"]
    given = {"client_id": bench["id"], "client_secret": bench["secret"], **fields}
    support.remember(given["client_secret"])
    return OAuth2Session(**given, token_endpoint_auth_method=method)


def test_the_document_names_the_issuer_it_is_of(ready, metadata):
    assert metadata["issuer"] == ready.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    other = requests.get(f"{ready.issuer}/.well-known/openid-configuration", timeout=10).json()
    assert other == metadata


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_client_credentials_introspection_revocation(ready, metadata, method):
    client = session(ready, method, scope="profile")
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    support.remember(token["access_token"])
    assert token["token_type"] == "Bearer" and token["expires_in"] == 3600 and token["scope"] == "profile"
    told = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert told["active"] and told["client_id"] == told["sub"] == ready.all["clients"]["bench"]["id"]
    assert client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).status_code == 200
    told = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert told == {"active": False}


def test_an_access_token_verifies_with_the_public_keys(ready, metadata):
    token = session(ready).fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    support.remember(token["access_token"])
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    read = jwt.decode(token["access_token"], keys, algorithms=["ES256"])
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": ready.issuer}, aud={"essential": True, "value": ready.issuer}).validate(read.claims)
    assert read.header["typ"] == "at+jwt"


def test_refusals_are_those_of_the_standard(ready, metadata):
    for fields, scope, code in [
        ({"client_secret": "no-client-has-this-secret-0000"}, None, "invalid_client"),
        ({"client_id": "1"}, None, "invalid_client"),
        ({}, "/internal/ram/usersts", "invalid_scope"),
    ]:
        with pytest.raises(OAuthError) as refused:
            session(ready, scope=scope, **fields).fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert refused.value.error == code
    with pytest.raises(OAuthError) as refused:
        session(ready).fetch_token(metadata["token_endpoint"], grant_type="password", username="bob", password="x")
    assert refused.value.error == "unsupported_grant_type"
    with pytest.raises(OAuthError) as refused:
        session(ready).fetch_token(metadata["token_endpoint"], grant_type="authorization_code", code="none")
    assert refused.value.error == "invalid_grant"


def test_an_application_from_the_vendors_sdk_to_its_first_token(ready, metadata):
    key = ready.key("alice")
    ims = Client(Config(access_key_id=key.id, access_key_secret=key.secret, endpoint=ready.issuer_host, protocol="http"))
    made = ims.create_application(
        models.CreateApplicationRequest(
            app_name=f"job-{int(time.time())}", app_type="ServerApp", display_name="job", predefined_scopes="profile;aliuid"
        )
    ).body.application
    assert made.secret_required and made.access_token_validity == 3600
    assert [one.name for one in made.delegated_scope.predefined_scopes.predefined_scope] == ["openid", "profile", "aliuid"]
    secret = ims.create_app_secret(models.CreateAppSecretRequest(app_id=made.app_id)).body.app_secret
    support.remember(secret.app_secret_value)
    client = OAuth2Session(made.app_id, secret.app_secret_value)
    # Nothing before it is installed, and nothing after it is gone.
    with pytest.raises(OAuthError) as refused:
        client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert refused.value.error == "invalid_grant"
    ims.provision_application(models.ProvisionApplicationRequest(app_id=made.app_id, scopes="openid;profile"))
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    support.remember(token["access_token"])
    assert token["scope"] == "profile"
    assert made.app_id in [one.app_id for one in ims.list_applications().body.applications.application]
    ims.delete_application(models.DeleteApplicationRequest(app_id=made.app_id))
    with pytest.raises(OAuthError) as refused:
        client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert refused.value.error == "invalid_client"
    told = session(ready).introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert told == {"active": False}


def test_the_official_application_is_installed_and_taken_out(ready):
    key = ready.key("alice")
    ims = Client(Config(access_key_id=key.id, access_key_secret=key.secret, endpoint=ready.issuer_host, protocol="http"))
    official = "4038181954557748008"
    made = ims.provision_external_application(models.ProvisionExternalApplicationRequest(app_id=official)).body.external_application
    assert made.foreign_app_id == official and made.display_name == "official-cli"
    found = ims.get_external_application(models.GetExternalApplicationRequest(app_id=official)).body.external_application
    assert found.to_map() == made.to_map()
    ims.deprovision_external_application(models.DeprovisionExternalApplicationRequest(app_id=official))


def code_flow(metadata, world, client, redirect):  # noqa: F811
    """bob signs in for that client and agrees; what the library makes of the answer, and the nonce it asked for."""
    nonce, verifier = generate_token(20), generate_token(64)
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    bob = Browser().get(url).sign_in(world["users"]["bob"])
    if bob.left_for is None:  # A web application that he has agreed to before gets its answer at once.
        bob.submit(decision="allow")
    assert bob.left_for.startswith(redirect + "?"), bob.title()
    token = client.fetch_token(metadata["token_endpoint"], authorization_response=bob.left_for, state=state, code_verifier=verifier)
    support.remember(token["access_token"], token["id_token"])
    return token, nonce, (bob.left_for, state)


def identified(metadata, token, client_id, nonce):
    """The claims of the ID token, verified with the published keys."""
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    read = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    wanted = {"iss": metadata["issuer"], "aud": client_id, "nonce": nonce}
    jwt.JWTClaimsRegistry(sub={"essential": True}, **{n: {"essential": True, "value": v} for n, v in wanted.items()}).validate(read.claims)
    return read.claims


def test_a_code_with_pkce_of_a_public_client(metadata, installed):  # noqa: F811
    client = OAuth2Session(
        CLIENTS["INTL"], token_endpoint_auth_method="none", redirect_uri=CALLBACK, scope="openid /internal/ram/usersts", code_challenge_method="S256"
    )
    token, nonce, (came, state) = code_flow(metadata, installed, client, CALLBACK)
    claims = identified(metadata, token, CLIENTS["INTL"], nonce)
    told = client.get(metadata["userinfo_endpoint"]).json()
    assert told["sub"] == claims["sub"]
    first = token["refresh_token"]
    again = client.refresh_token(metadata["token_endpoint"], refresh_token=first)
    support.remember(first, again["refresh_token"], again["access_token"])
    assert again["refresh_token"] != first
    # The code was good once, and only with its verifier; using it again ends what it gave (RFC 6749 §4.1.2).
    with pytest.raises(OAuthError) as refused:
        client.fetch_token(metadata["token_endpoint"], authorization_response=came, state=state, code_verifier=generate_token(64))
    assert refused.value.error == "invalid_grant"


def test_a_code_with_pkce_of_a_web_application_with_a_secret(ready, metadata, installed):  # noqa: F811
    key, redirect = ready.key("alice"), "https://shop.example/signed-in"
    ims = Client(Config(access_key_id=key.id, access_key_secret=key.secret, endpoint=ready.issuer_host, protocol="http"))
    made = ims.create_application(
        models.CreateApplicationRequest(
            app_name=f"shop-{int(time.time())}", app_type="WebApp", display_name="shop", predefined_scopes="profile;aliuid", redirect_uris=redirect
        )
    ).body.application
    secret = ims.create_app_secret(models.CreateAppSecretRequest(app_id=made.app_id)).body.app_secret.app_secret_value
    support.remember(secret)
    ims.provision_application(models.ProvisionApplicationRequest(app_id=made.app_id, scopes="openid;profile;aliuid"))
    client = OAuth2Session(made.app_id, secret, redirect_uri=redirect, scope="openid profile aliuid", code_challenge_method="S256")
    token, nonce, _ = code_flow(metadata, installed, client, redirect)
    claims = identified(metadata, token, made.app_id, nonce)
    told = client.get(metadata["userinfo_endpoint"]).json()
    assert told["sub"] == claims["sub"] and told["aid"] == ready.uid and told["upn"].startswith("bob@")
    # Its tokens say who somebody is, and are no key: that scope is only the command line's.
    bare = requests.post(f"{ready.issuer}/v1/exchange", headers={"authorization": f"Bearer {token['access_token']}"}, timeout=10)
    assert (bare.status_code, bare.json()["error"]) == (400, "unauthorized_client")
    # Without the secret the code of such a client is worth nothing.
    thief = OAuth2Session(made.app_id, token_endpoint_auth_method="none", redirect_uri=redirect, scope="openid", code_challenge_method="S256")
    with pytest.raises(OAuthError) as refused:
        code_flow(metadata, installed, thief, redirect)
    assert refused.value.error == "invalid_client"
    ims.delete_application(models.DeleteApplicationRequest(app_id=made.app_id))
    assert client.get(metadata["userinfo_endpoint"]).status_code == 401, "deletion ends everything at once"
