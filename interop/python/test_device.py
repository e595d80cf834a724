"""A device without a browser, and the vendor's single sign-on with its own library."""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import time

import pytest
import requests
import support
from alibabacloud_credentials.provider.cli_profile import CLIProfileCredentialsProvider

from people import Browser

VENDOR = "4038181954557748008"
SINGLE = "app-vaz16tltdxs96audqf35"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def world():
    return json.loads(pathlib.Path(os.environ["TEGATA_READY"]).read_text())


@pytest.fixture(scope="module")
def http():
    session = requests.Session()
    session.trust_env = False
    return session


@pytest.fixture(scope="module")
def installed(world):
    """The administrator has installed the command line and assigned bob."""
    query = (
        f"response_type=code&client_id={VENDOR}&redirect_uri=http%3A%2F%2F127.0.0.1%3A12345%2Fcli%2Fcallback"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=s"
    )
    alice = Browser().get(f"{world['issuer']}/oauth2/v1/auth?{query}").sign_in(world["users"]["alice"])
    if "Official application" in alice.title():
        alice.submit(decision="allow")
    assignments = f"{world['issuer']}/apps/official-cli/assignments"
    if ">bob<" not in alice.get(assignments).page.text:
        alice.submit(identity_type="user", identity="bob")
    return world


def test_a_device_signs_in(installed, http):
    issuer = installed["issuer"]
    meta = http.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    begun = http.post(meta["device_authorization_endpoint"], data={"client_id": VENDOR, "tegata_number": "1"}).json()
    question = {"grant_type": GRANT, "client_id": VENDOR, "device_code": begun["device_code"]}
    waits = http.post(meta["token_endpoint"], data=question)
    assert (waits.status_code, waits.json()["error"]) == (400, "authorization_pending")
    bob = Browser().get(begun["verification_uri_complete"]).sign_in(installed["users"]["bob"])
    assert "python-requests" in bob.page.text and "127.0.0.1" in bob.page.text
    bob.submit(user_code=begun["user_code"], number=begun["tegata_number"], decision="allow")
    assert bob.title() == "Done"
    got = http.post(meta["token_endpoint"], data=question)
    assert got.status_code == 200, got.text
    support.remember(got.json()["access_token"], got.json()["refresh_token"], begun["device_code"])
    key = http.post(f"{issuer}/v1/exchange", headers={"authorization": f"Bearer {got.json()['access_token']}"})
    assert key.json()["accessKeyId"].startswith("STS.")
    support.remember(key.json()["accessKeySecret"], key.json()["securityToken"])
    again = http.post(meta["token_endpoint"], data=question)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_the_library_takes_a_role_by_single_sign_on(installed, http, tmp_path, monkeypatch):
    issuer = installed["issuer"]
    verifier = secrets.token_hex(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    begin = {"ClientId": SINGLE, "CodeChallenge": challenge, "CodeChallengeMethod": "S256", "PortalUrl": f"{issuer}/acme/login"}
    begun = http.post(f"{issuer}/device-authorization", json=begin).json()
    question = {"ClientId": SINGLE, "CodeVerifier": verifier, "DeviceCode": begun["DeviceCode"], "GrantType": GRANT}
    for _ in range(3):
        waits = http.post(f"{issuer}/token", json=question)
        assert (waits.status_code, waits.json()["ErrorCode"]) == (400, "AuthorizationPending")
    bob = Browser().get(begun["VerificationUriComplete"]).sign_in(installed["users"]["bob"])
    assert bob.title() == "Sign in on a device", "the code is typed by hand"
    bob.submit(user_code=begun["UserCode"]).submit(user_code=begun["UserCode"], decision="allow")
    token = http.post(f"{issuer}/token", json=question).json()
    support.remember(token["AccessToken"], begun["DeviceCode"])
    headers = {"authorization": f"Bearer {token['AccessToken']}"}
    account = http.get(f"{issuer}/access-assignments/accounts?MaxResults=100", headers=headers).json()["Accounts"][0]
    found = http.get(f"{issuer}/access-assignments/access-configurations?AccountId={account['AccountId']}", headers=headers).json()
    role = {role["AccessConfigurationName"]: role for role in found["AccessConfigurationsForAccount"]}["app-uploader"]
    profile = {
        "name": "sso",
        "mode": "CloudSSO",
        "cloud_sso_sign_in_url": f"{issuer}/acme/login",
        "cloud_sso_account_id": account["AccountId"],
        "cloud_sso_access_config": role["AccessConfigurationId"],
        "access_token": token["AccessToken"],
        "cloud_sso_access_token_expire": int(time.time()) + token["ExpiresIn"],
        "region_id": "cn-hangzhou",
    }
    config = tmp_path / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"current": "sso", "profiles": [profile]}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    provider = CLIProfileCredentialsProvider(profile_name="sso", profile_file=str(config))
    given = provider.get_credentials()
    support.remember(given.get_access_key_secret(), given.get_security_token())
    assert given.get_access_key_id().startswith("STS.") and given.get_security_token()
    assert given.get_provider_name() == "cli_profile/cloud_sso"
