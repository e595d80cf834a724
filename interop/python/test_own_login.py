"""Our own command line signs in: by loopback, by a code that is typed back, over TLS; renews, and ends."""

import json
import os
import pathlib
import re
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import support

from people import Browser
from test_login import installed, world  # noqa: F401

pytestmark = pytest.mark.skipif("TEGATA_PROGRAM" not in os.environ, reason="TEGATA_PROGRAM does not name the program")


class Home:
    """A home folder, and our program in it."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}

    def start(self, *words, **environment):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([os.environ["TEGATA_PROGRAM"], *words], env=self.environment | environment, text=True, **pipes)

    def run(self, *words, status=0, **environment):
        one = self.start(*words, **environment)
        out, err = one.communicate("", timeout=60)
        assert one.returncode == status, (words, out, err)
        return out + err

    def json(self, *words):
        one = self.start(*words, "--output", "json")
        out, err = one.communicate("", timeout=60)
        assert one.returncode == 0, err
        return json.loads(out)

    def kept(self, name="me"):
        return self.folder / ".aliyun" / f"tegata-{name}.json"

    def state(self, **change):
        state = json.loads(self.kept().read_text())
        support.remember(state["tokens"]["access_token"], state["tokens"]["refresh_token"], state["proof_key"], state["key"]["secret"])
        if change:
            state["tokens"]["access_ends"] = state["key"]["ends"] = change["ends"]
            self.kept().write_text(json.dumps(state))
        return state


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def address(login):
    return next(word for line in login.stderr for word in line.split() if word.startswith("http"))


def by_code(home, world, *words, person="bob", verify=None, **environment):  # noqa: F811
    """Signs in by a code that is typed back, and gives what was printed."""
    login = home.start(*words, **environment)
    browser = Browser(verify=verify).get(address(login)).sign_in(world["users"][person]).submit(decision="allow")
    assert browser.title() == "Your code", browser.page.text
    code = re.search(r"<code>([A-Z-]+)</code>", browser.page.text).group(1)
    out, err = login.communicate(code.lower() + "\n", timeout=60)
    assert login.returncode == 0, err
    return out, browser, code


def test_the_answer_comes_back_by_itself_and_64_renew_at_once(installed, home):  # noqa: F811
    login = home.start("login", "--profile", "me", "--issuer", installed["issuer"], "--no-browser")
    url = address(login)
    callback = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    # Another program on this computer can neither break in nor end it.
    assert requests.get(callback + "?code=x&state=guess", timeout=10).status_code == 400
    bob = Browser().get(url).sign_in(installed["users"]["bob"])
    bob.submit(decision="allow")
    assert requests.get(bob.left_for, timeout=10).status_code == 200
    out, rest = login.communicate("", timeout=30)
    assert login.returncode == 0 and "user/bob" in out, rest

    assert home.kept().stat().st_mode & 0o777 == 0o600
    profiles = (home.folder / ".aliyun" / "config.json").read_text()
    state = home.state()
    for secret in (state["tokens"]["access_token"], state["tokens"]["refresh_token"], state["proof_key"], state["key"]["secret"]):
        assert secret not in profiles
    assert '"External"' in profiles and "credentials --profile me --format aliyun" in profiles
    bearer = {"authorization": f"Bearer {state['tokens']['access_token']}"}
    bare = requests.post(f"{installed['issuer']}/v1/exchange", headers=bearer, timeout=10)
    assert bare.status_code == 401, "a token that is bound to a key is worth nothing without it"

    home.state(ends=0)
    many = [home.start("credentials", "--profile", "me", "--format", "aliyun") for _ in range(64)]
    answers = {one.communicate("", timeout=120)[0] for one in many}
    assert len(answers) == 1 and "STS." in answers.pop()
    assert {one.returncode for one in many} == {0}
    renewed = home.state()
    assert renewed["tokens"]["access_token"] != state["tokens"]["access_token"]

    # A process that was killed after the answer and before it was written down: the file is the old one, and as good as before.
    home.kept().write_text(json.dumps(state | {"key": None, "tokens": state["tokens"] | {"access_ends": 0}}))
    assert "STS." in home.run("credentials", "--profile", "me", "--format", "aliyun")
    assert home.state()["tokens"]["refresh_token"] == renewed["tokens"]["refresh_token"], "the same successor"

    who = home.json("whoami", "--profile", "me")
    assert who["arn"].endswith("user/bob")
    assert who["sign_in"]["issuer"] == installed["issuer"] and who["sign_in"]["client_id"] == "tegata-cli"
    assert who["sign_in"]["scopes"] == ["openid", "/internal/ram/usersts"] and who["sign_in"]["ends_at"].endswith("Z")
    assert who["sign_in"]["tokens_lie_in"] == who["sign_in"]["proof_key_lies_in"] == str(home.kept())
    assert not who["sign_in"]["keyring"] and "no keyring is used" in who["secret_lies_in"]

    assert "have ended" in home.run("logout")
    assert not home.kept().exists()
    assert "nothing to end" in home.run("logout", "--profile", "me"), "a second time is no mistake"
    home.run("whoami", "--profile", "me", status=1)
    # What somebody has kept of it is worth nothing.
    home.kept().write_text(json.dumps(state | {"tokens": state["tokens"] | {"access_ends": 0}, "key": None}))
    home.kept().chmod(0o600)
    (home.folder / ".aliyun" / "config.json").write_text(profiles)
    assert "sign in again with `tegata login`" in home.run("whoami", "--profile", "me", status=1)


def test_over_ssh_a_code_is_typed_back(installed, home):  # noqa: F811
    words = ["login", "--profile", "me", "--issuer", installed["issuer"]]
    out, browser, code = by_code(home, installed, *words, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert "user/bob" in out
    assert "wants to sign in as you" in browser.page.text
    # The code was good once, and for that process only.
    late = home.start("login", "--profile", "other", "--issuer", installed["issuer"], "--paste")
    address(late)
    out, err = late.communicate(f"{code}\n\x1b[31m\n\n", timeout=60)
    assert late.returncode == 1 and "does not know this code" in err and "is no code" in err and "\x1b" not in err, err
    assert not home.kept("other").exists()
    # Whoever tries a used code has seen it, so what it got ends (RFC 6749 §4.1.2); the two cannot be told apart.
    assert "ended before its time" in home.run("whoami", status=1)


def test_configure_asks_as_people_know_it_and_the_profile_works_at_once(installed, home):  # noqa: F811
    words = ["configure", "--mode", "OAuth", "--profile", "me", "--issuer", installed["issuer"], "--paste", "--region", "cn-shanghai"]
    out, _, _ = by_code(home, installed, *words)
    assert "Configure Done!!! You are acs:ram::" in out
    profile = json.loads((home.folder / ".aliyun" / "config.json").read_text())["profiles"][0]
    assert (profile["mode"], profile["region_id"]) == ("External", "cn-shanghai")
    printed = subprocess.run(profile["process_command"], shell=True, env=home.environment, capture_output=True, text=True, timeout=60)
    key = json.loads(printed.stdout)
    assert key["mode"] == "StsToken" and key["access_key_id"].startswith("STS."), printed
    support.remember(key["access_key_secret"], key["sts_token"])
    chained = ["--mode", "ChainableRamRoleArn", "--ram-role-arn", installed["roles"]["app-uploader"]["arn"], "--role-session-name", "s1"]
    missing = home.run("configure", "--profile", "up", *chained, "--source-profile", "mee", status=1)
    assert "there is no profile `mee`; there are `me`" in missing
    home.run("configure", "--profile", "up", *chained, "--source-profile", "me")
    assert home.json("whoami")["session"] == "s1"


def test_over_tls_with_a_proof_of_possession(installed, home):  # noqa: F811
    issuer, ca = installed["https"]["issuer"], installed["https"]["ca_file"]
    refused = home.run("login", "--profile", "me", "--issuer", issuer, "--paste", status=1)
    assert "could not be reached" in refused and "ertificate" in refused, refused
    out, _, _ = by_code(home, installed, "login", "--profile", "me", "--issuer", issuer, "--ca", ca, "--paste", verify=ca)
    assert "user/bob" in out
    home.state(ends=0)
    assert home.json("whoami")["sign_in"]["issuer"] == issuer
    assert "have ended" in home.run("logout")
    # The variable that other programs know says the same.
    out, _, _ = by_code(home, installed, "login", "--profile", "me", "--issuer", issuer, "--paste", verify=ca, SSL_CERT_FILE=ca)
    assert "user/bob" in out


def test_no_is_told_on_the_page_and_the_terminal_can_be_left(installed, home):  # noqa: F811
    login = home.start("login", "--profile", "me", "--issuer", installed["issuer"], "--paste")
    browser = Browser().get(address(login)).sign_in(installed["users"]["bob"]).submit(decision="deny")
    assert browser.title() == "Cancelled"
    _, err = login.communicate("", timeout=30)
    assert login.returncode == 1 and "nothing was kept" in err
    assert not (home.folder / ".aliyun").exists() or not home.kept().exists()


def test_a_no_is_told_as_one_and_places_that_are_none_are_named(installed, home):  # noqa: F811
    login = home.start("login", "--profile", "me", "--issuer", installed["issuer"], "--no-browser")
    browser = Browser().get(address(login)).sign_in(installed["users"]["bob"]).submit(decision="deny")
    assert "cancelled" in requests.get(browser.left_for, timeout=10).text
    _, err = login.communicate("", timeout=30)
    assert (login.returncode, err.strip()) == (1, "tegata: the sign-in was refused: the person said no; nothing was kept")
    for issuer, said in [
        (installed["oss"], "is no server to sign in at"),
        (installed["issuer"].replace("http:", "https:"), "it speaks no TLS there"),
        (installed["https"]["issuer"], "trust the authority that signed it with `--ca-file FILE`"),
        ("http://127.0.0.1:1", "`tegata doctor --endpoint http://127.0.0.1:1` looks why"),
    ]:
        assert said in home.run("login", "--issuer", issuer, "--paste", status=1)
    # What the vendor's tool keeps for itself is told apart from what this program does not know.
    folder = home.folder / ".aliyun"
    folder.mkdir(exist_ok=True)
    profiles = [{"name": "theirs", "mode": "OAuth", "oauth_access_token": "x"}, {"name": "sso", "mode": "CloudSSO", "access_token": "x"}]
    (folder / "config.json").write_text(json.dumps({"current": "theirs", "profiles": profiles}))
    (folder / "config.json").chmod(0o600)
    assert "`tegata login --profile theirs --issuer URL`" in home.run("whoami", status=1)
    assert "`tegata login --device`" in home.run("whoami", "--profile", "sso", status=1)
