"""A person signs in at a browser for the command line: the whole way, by an unmodified public client."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from maxc_cli import oauth as maxc

from people import Browser

CLIENTS = {"CN": "4038181954557748008", "INTL": "4103531455503354461"}
CALLBACK = "http://127.0.0.1:12345/cli/callback"


def authorize(ready, **more):
    query = {
        "response_type": "code",
        "client_id": CLIENTS["CN"],
        "redirect_uri": CALLBACK,
        "state": "s" * 16,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    query.update(more)
    return f"{ready['issuer']}/oauth2/v1/auth?" + urlencode({k: v for k, v in query.items() if v is not None})


def answer(browser):
    return {name: values[0] for name, values in parse_qs(urlsplit(browser.left_for).query).items()}


@pytest.fixture(scope="module")
def world():
    """What the ready file says, whole: people's passwords are not for the suites of keys."""
    return json.loads(pathlib.Path(os.environ["TEGATA_READY"]).read_text())


@pytest.fixture(scope="module")
def installed(world):
    """The administrator has installed the command line and assigned bob."""
    alice = Browser().get(authorize(world)).sign_in(world["users"]["alice"])
    if "Official application" in alice.title():
        alice.submit(decision="allow")
        assert alice.title() == "Installed"
    assignments = f"{world['issuer']}/apps/official-cli/assignments"
    if ">bob<" not in alice.get(assignments).page.text:
        alice.submit(identity_type="user", identity="bob")
    assert ">bob<" in alice.page.text
    return world


@pytest.mark.parametrize("site", ["CN", "INTL"])
def test_maxc_signs_in(installed, site):
    said = []

    def person(url):
        def walk():
            bob = Browser().get(url).sign_in(installed["users"]["bob"])
            bob.submit(decision="allow")
            said.append(requests.get(bob.left_for, timeout=10).status_code)

        threading.Thread(target=walk, daemon=True).start()

    at = installed["issuer"]
    tokens = maxc.start_oauth_flow(site, open_browser=False, on_url=person, timeout_seconds=30, oauth_base_url=at, sign_in_url=at)
    key = maxc.exchange_sts(site, tokens.access_token, oauth_base_url=at)
    assert said == [200]
    assert key.access_key_id.startswith("STS.") and tokens.refresh_token


def test_whoever_is_not_assigned_is_told_whom_to_ask(installed):
    dan = Browser().get(authorize(installed)).sign_in(installed["users"]["dan"])
    assert dan.page.status_code == 403 and dan.title() == "You are not assigned"
    assert "tegata apps assign official-cli --user dan" in dan.page.text


def test_no_is_told_to_the_client_at_once(installed):
    bob = Browser().get(authorize(installed)).sign_in(installed["users"]["bob"])
    bob.submit(decision="deny")
    said = answer(bob)
    assert said["error"] == "access_denied" and said["state"] == "s" * 16 and said["iss"] == installed["issuer"]
    assert bob.left_for.startswith(CALLBACK + "?")


def test_consent_that_is_remembered_still_takes_a_click(installed):
    bob = Browser().get(authorize(installed)).sign_in(installed["users"]["bob"])
    bob.submit(decision="allow")
    bob.get(authorize(installed))
    assert bob.left_for is None and "bob@acme" in bob.title()
    bob.get(authorize(installed, prompt="none"))
    assert answer(bob)["error"] == "interaction_required"
    assert answer(Browser().get(authorize(installed, prompt="none")))["error"] == "login_required"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "http://localhost:12345/cli/callback",
        "http://[::1]:12345/cli/callback",
        "http://127.0.0.1:12345@evil.example/cli/callback",
        "http://127.0.0.1:12345/cli/callback/",
        "http://127.0.0.1:12345/cli/callback#x",
        "http://127.0.0.1:12345/cli/callback?x=1",
        "http://127.0.0.2:12345/cli/callback",
        "https://127.0.0.1:12345/cli/callback",
        "http://127.0.0.1:12345/cli%2Fcallback",
        "javascript:alert(1)",
        "<script>alert(1)</script>",
    ],
)
def test_nobody_is_sent_where_nothing_is_registered(world, uri):
    stranger = Browser().get(authorize(world, redirect_uri=uri))
    assert stranger.left_for is None and stranger.page.status_code == 400
    assert "<script>alert" not in stranger.page.text


def _namespaces():
    return shutil.which("unshare") and subprocess.run(["unshare", "-Urmn", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _namespaces(), reason="this machine gives no private network namespaces")
@pytest.mark.skipif("TEGATA_PROGRAM" not in os.environ, reason="TEGATA_PROGRAM does not name the program")
@pytest.mark.parametrize("site", ["CN", "INTL"])
def test_the_vendors_hosts_in_a_namespace_of_its_own(site, tmp_path):
    here = pathlib.Path(__file__).parent
    inside = [sys.executable, here / "namespace_login.py", os.environ["TEGATA_PROGRAM"], tmp_path, site]
    ran = subprocess.run(["unshare", "-Urmn", *inside], capture_output=True, text=True, timeout=120, cwd=here)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["exit"] == 0 and said["callback"] == 200
    assert said["answer"]["status"] == "success" and said["answer"]["data"]["identity"]["auth_type"] == "oauth"
    assert said["mode"] == "0o600" and "refresh_token" in said["kept"] and "STS." in said["kept"]
    assert said["cookies"] == ["__Host-tegata", "__Host-tegata-browser"]


@pytest.mark.skipif(not _namespaces(), reason="this machine gives no private network namespaces")
@pytest.mark.skipif("TEGATA_PROGRAM" not in os.environ, reason="TEGATA_PROGRAM does not name the program")
@pytest.mark.parametrize("site", ["CN", "INTL"])
def test_the_vendors_library_renews_a_profile_of_its_own(site, tmp_path):
    here = pathlib.Path(__file__).parent
    inside = [sys.executable, here / "namespace_profile.py", os.environ["TEGATA_PROGRAM"], tmp_path, site]
    ran = subprocess.run(["unshare", "-Urmn", *inside], capture_output=True, text=True, timeout=120, cwd=here)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    first, same, renewed = told["said"]
    for one in told["said"]:
        assert one["id"].startswith("STS.") and one["token"] and one["kept"] == one["id"] and one["by"] == "cli_profile/oauth"
    assert first["refresh"] != told["first"], "the rotated token was written back"
    assert same == first, "what is good is used again"
    assert renewed["id"] != first["id"] and renewed["refresh"] != first["refresh"]
