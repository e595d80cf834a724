"""Server-to-server apps through the public clients of that family, a plain RFC 6749 client, and verifiers of their tokens."""

import os
import pathlib
import re
import subprocess
import uuid

import jwt
import pytest
import requests
from cbc_sdk.credentials import Credentials
from cbc_sdk.errors import CredentialError
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from wavefront_sdk.auth.csp.token_service_factory import (
    CSP_API_TOKEN,
    CSP_APP_ID,
    CSP_APP_SECRET,
    CSP_ORG_ID,
    CSPServerToServerTokenServiceBuilder,
    CSPUserTokenServiceBuilder,
)

import support

os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")
API = "/csp/gateway/am/api"
ODD_SECRET = "aA1:/+%40 x-" + uuid.uuid4().hex


@pytest.fixture(scope="module")
def api(ready):
    """`call(method, path, body)` as a user who has shown an API token."""

    def sign_in(user):
        token = ready.all["users"][user]["csp_api_token"]
        told = requests.post(f"{ready.issuer}{API}/auth/api-tokens/authorize", data={"refresh_token": token}, timeout=30).json()
        support.remember(told["access_token"])

        def call(method, path, body=None, status=200):
            headers = {"csp-auth-token": told["access_token"]}
            answer = requests.request(method, f"{ready.issuer}{API}{path}", json=body, headers=headers, timeout=30)
            assert answer.status_code == status, answer.text
            return answer.json() if answer.content else None

        return call

    return sign_in


def made(ready, api, **more):
    """An app of the sample organization that was added to it: id and secret."""
    org, alice = ready.all["account"]["org_id"], api("alice")
    scope = {"generalScopes": [], "organizationScopes": {"roles": [{"name": "provider_service_manager"}]}, "servicesScopes": []}
    body = {"displayName": f"interop {uuid.uuid4().hex[:8]}", "allowedScopes": scope, "grantTypes": ["client_credentials"], **more}
    app = alice("POST", f"/orgs/{org}/oauth-apps", body)
    support.remember(app["clientSecret"])
    assert alice("POST", f"/orgs/{org}/clients", {"ids": [app["clientId"]]})["failures"] == []
    return org, app["clientId"], app["clientSecret"]


@pytest.fixture(scope="module")
def app(ready, api):
    return made(ready, api)


@pytest.fixture(scope="module")
def odd_app(ready, api):
    """One whose secret has characters that are spelled otherwise once they are encoded."""
    return made(ready, api, secret=ODD_SECRET)


def cbc(ready, **more):
    """Credentials of the Carbon Black SDK, which asks for a token each time."""
    return Credentials({"url": "https://unused.test", "org_key": "X", "csp_url_override": f"{ready.issuer}/", **more})


def claims_of(token):
    support.remember(token)
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("which", ["app", "odd_app"])
def test_carbon_black_app(ready, request, which):
    _, id, secret = request.getfixturevalue(which)
    token = cbc(ready, csp_oauth_app_id=id, csp_oauth_app_secret=secret).get_token()
    assert claims_of(token)["azp"] == id


def test_carbon_black_api_token(ready):
    token = cbc(ready, csp_api_token=ready.all["users"]["alice"]["csp_api_token"]).get_token()
    assert claims_of(token)["username"] == "alice"


def test_carbon_black_is_told_why(ready):
    for wrong, said in (
        ({"csp_oauth_app_id": "nobody", "csp_oauth_app_secret": "wrong"}, "invalid_client"),
        ({"csp_api_token": "wrong"}, "invalid_grant: Invalid refresh token"),
    ):
        with pytest.raises(CredentialError) as refused:
            cbc(ready, **wrong).get_token()
        assert said in str(refused.value)


@pytest.mark.parametrize("which", ["app", "odd_app"])
def test_wavefront_app(ready, request, which):
    org, id, secret = request.getfixturevalue(which)
    builder = CSPServerToServerTokenServiceBuilder()
    builder.create_builder(base_url=ready.issuer)
    for name, value in ((CSP_APP_ID, id), (CSP_APP_SECRET, secret), (CSP_ORG_ID, org)):
        builder.add_property(name, value)
    assert claims_of(builder.build().get_token())["context_name"] == org


def test_wavefront_api_token(ready):
    builder = CSPUserTokenServiceBuilder()
    builder.create_builder(base_url=ready.issuer)
    builder.add_property(CSP_API_TOKEN, ready.all["users"]["alice"]["csp_api_token"])
    assert claims_of(builder.build().get_token())["username"] == "alice"


def rfc_client(ready, id, secret, **how):
    session = OAuth2Session(client=BackendApplicationClient(client_id=id))
    return session.fetch_token(f"{ready.issuer}{API}/auth/token", **how)


@pytest.mark.parametrize("which", ["app", "odd_app"])
def test_plain_client(ready, request, which):
    """Raw Basic, percent-encoded Basic (RFC 6749 §2.3.1), and the body."""
    from urllib.parse import quote_plus

    _, id, secret = request.getfixturevalue(which)
    for how in (
        {"auth": HTTPBasicAuth(id, secret)},
        {"auth": HTTPBasicAuth(quote_plus(id), quote_plus(secret))},
        {"client_secret": secret, "include_client_id": True},
    ):
        told = rfc_client(ready, id, secret, **how)
        support.remember(told["access_token"])
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 1800, ["csp:provider_service_manager"])


def test_plain_client_is_told_why(ready):
    from oauthlib.oauth2.rfc6749.errors import InvalidClientError

    with pytest.raises(InvalidClientError):
        rfc_client(ready, "nobody", "wrong", auth=HTTPBasicAuth("nobody", "wrong"))


def test_each_form_of_the_keys_verifies(ready, app):
    org, id, secret = app
    told = rfc_client(ready, id, secret, auth=HTTPBasicAuth(id, secret))
    token = told["access_token"]
    support.remember(token)
    keys = f"{ready.issuer}{API}/auth"
    pem = requests.get(f"{keys}/token-public-key", timeout=30).json()
    kid = jwt.get_unverified_header(token)["kid"]
    by_pem = pem["value"]
    by_set = jwt.PyJWKClient(f"{keys}/token-public-key?format=jwks").get_signing_key(kid).key
    by_keys = jwt.PyJWKClient(f"{keys}/keys").get_signing_key(kid).key
    for key in (by_pem, by_set, by_keys):
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=pem["issuer"], options={"require": ["exp", "iat", "jti", "sub"]})
        assert (claims["context_name"], claims["perms"]) == (org, ["csp:provider_service_manager"])
        assert claims["sub"] == f"{claims['domain']}:{id}" and claims["username"] and claims["acct"]


def test_a_removed_app_loses_its_token(ready, api):
    org, id, secret = made(ready, api)
    told = rfc_client(ready, id, secret, auth=HTTPBasicAuth(id, secret))
    support.remember(told["access_token"])
    worth = lambda: requests.post(
        f"{ready.issuer}{API}/auth/introspect", data={"token": told["access_token"]}, auth=(id, secret), timeout=30
    )
    assert worth().json()["active"] is True
    api("alice")("DELETE", f"/orgs/{org}/clients", {"ids": [id]})
    assert worth().json() == {"active": False}
    headers = {"authorization": f"Bearer {told['access_token']}"}
    assert requests.get(f"{ready.issuer}{API}/orgs/{org}", headers=headers, timeout=30).status_code == 401
    api("alice")("DELETE", f"/orgs/{org}/oauth-apps", {"clientIdsToDelete": [id]})
    assert worth().status_code == 401


def test_secrets_in_a_query_are_in_no_log(ready, app):
    """They are taken there, since clients put them there; what is written of a request has no query."""
    org, id, secret = app
    query = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "orgId": org}
    told = requests.post(f"{ready.issuer}{API}/auth/authorize", params=query, timeout=30)
    assert told.status_code == 200, told.text
    support.remember(secret, told.json()["access_token"])
    token = ready.all["users"]["bob"]["csp_api_token"]
    for name in ("api_token", "refresh_token"):
        told = requests.post(f"{ready.issuer}{API}/auth/api-tokens/authorize", params={name: token}, timeout=30)
        assert told.status_code == 200, told.text
        support.remember(token, told.json()["access_token"])


def test_the_token_of_an_app_brings_a_key_that_puts_an_object(ready, api):
    """Where roles stand for policies: `vcd:admin` for everything with objects, in this server."""
    import oss2

    token = ready.all["users"]["alice"]["csp_api_token"]
    told = requests.post(f"{ready.issuer}{API}/auth/api-tokens/authorize", data={"refresh_token": token}, timeout=30).json()
    support.remember(told["access_token"])
    headers = {"csp-auth-token": told["access_token"]}
    services = requests.get(f"{ready.issuer}/csp/gateway/slc/api/definitions", headers=headers, timeout=30).json()["results"]
    vcd = next(one["id"] for one in services if one["displayName"] == "vcd")
    scope = {
        "generalScopes": [],
        "organizationScopes": {"roles": [{"name": "provider_service_manager"}]},
        "servicesScopes": [{"serviceDefinitionId": vcd, "roles": [{"name": "vcd:admin"}]}],
    }
    org, id, secret = made(ready, api, allowedScopes=scope)
    token = rfc_client(ready, id, secret, auth=HTTPBasicAuth(id, secret))["access_token"]
    support.remember(token)
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    told = requests.post(f"{ready.issuer}/oauth/token", data=exchange, auth=(id, secret), timeout=30)
    assert told.status_code == 200, told.text
    key = told.json()
    support.remember(key["AccessKeySecret"], key["SecurityToken"])
    auth = oss2.StsAuth(key["AccessKeyId"], key["AccessKeySecret"], key["SecurityToken"])
    bucket = oss2.Bucket(auth, ready.oss, ready.all["buckets"][0])
    name = f"by-an-app/{uuid.uuid4().hex}"
    assert bucket.put_object(name, b"x").status == 200
    api("alice")("DELETE", f"/orgs/{org}/clients", {"ids": [id]})
    with pytest.raises(oss2.exceptions.OssError):
        bucket.put_object(name, b"y")


def test_the_walk_of_the_documentation(ready, tmp_path):
    """Every line of the first console block of `docs/server-apps.md`, and what it says comes back. `…` stands for anything."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "server-apps.md"
    block = re.search(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[1]
    steps = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps:
            steps[-1][1].append(line)
    script = ["set -u"]
    for at, (command, _) in enumerate(steps):
        script += [command, f"echo; echo '--- {at}'"]
    environment = {"PATH": os.environ["PATH"], "READY": os.environ["TEGATA_READY"], "NO_PROXY": "127.0.0.1", "HOME": str(tmp_path)}
    ran = subprocess.run(["bash", "-c", "\n".join(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    rest = ran.stdout
    for at, (command, expected) in enumerate(steps):
        said, _, rest = rest.partition(f"--- {at}\n")
        where = 0
        for piece in " ".join(expected).split("…"):
            found = said.replace("\n", " ").find(piece.strip(), where)
            assert found >= 0, f"{command}\n expected {piece!r}\n got {said!r} {ran.stderr}"
            where = found + len(piece.strip())
