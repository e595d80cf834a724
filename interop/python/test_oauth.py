"""The authorization server through Authlib, which knows OAuth by the standards alone, and applications through the vendor's IMS SDK."""

import time

import pytest
from alibabacloud_ims20190815 import models
from alibabacloud_ims20190815.client import Client
from alibabacloud_tea_openapi.models import Config
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
import requests

import support


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
