"""Run inside a private network namespace: a server of our own under the vendor's host names, and a profile of mode `OAuth`, read by the
vendor's library as it is. Prints one JSON object.
"""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from namespace_login import NAMES, OTHERS, loopback_up
from people import Browser

CLIENTS = {"CN": "4038181954557748008", "INTL": "4103531455503354461"}
CALLBACK = "http://127.0.0.1:12345/cli/callback"
LIBRARY = """
import json, sys
from alibabacloud_credentials.provider.cli_profile import CLIProfileCredentialsProvider
key = CLIProfileCredentialsProvider(profile_name="me").get_credentials()
print(json.dumps({"id": key.get_access_key_id(), "token": bool(key.get_security_token()), "by": key.get_provider_name()}))
"""


def signed_in(world, ca, site):
    """A refresh token, as the vendor's command line gets it."""
    signin, oauth = NAMES[site]
    verifier = secrets.token_urlsafe(64)
    query = {
        "response_type": "code", "client_id": CLIENTS[site], "redirect_uri": CALLBACK, "state": "s" * 16, "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("="),
    }
    url = f"https://{signin}/oauth2/v1/auth?{urlencode(query)}"
    alice = Browser(verify=ca).get(url).sign_in(world["users"]["alice"])
    alice.submit(decision="allow").get(f"https://{signin}/apps/official-cli/assignments").submit(identity_type="user", identity="bob")
    bob = Browser(verify=ca).get(url).sign_in(world["users"]["bob"]).submit(decision="allow")
    code = parse_qs(urlsplit(bob.left_for).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENTS[site], "redirect_uri": CALLBACK, "code_verifier": verifier}
    return requests.post(f"https://{oauth}/v1/token", data=form, verify=ca, timeout=10).json()["refresh_token"]


def main(program, folder, site):
    folder = pathlib.Path(folder)
    loopback_up()
    names = [name for pair in NAMES.values() for name in pair] + OTHERS
    (folder / "hosts").write_text("127.0.0.1 localhost " + " ".join(names) + "\n")
    subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
    ready = folder / "ready.json"
    command = [program, "dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0", "--https", "127.0.0.1:443", "--ready-file", ready]
    for name in names:
        command += ["--tls-name", name]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(folder / "server.log").open("w"))
    try:
        for _ in range(300):
            if ready.exists():
                break
            time.sleep(0.1)
        world = json.loads(ready.read_text())
        ca = world["https"]["ca_file"]
        config = folder / "home" / ".aliyun" / "config.json"
        config.parent.mkdir(parents=True)
        refresh = signed_in(world, ca, site)
        profile = {"name": "me", "mode": "OAuth", "oauth_site_type": site, "oauth_refresh_token": refresh, "region_id": "cn-hangzhou"}
        config.write_text(json.dumps({"current": "me", "profiles": [profile]}))
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "SSL_CERT_FILE": ca}
        said = []
        for change in ({}, {}, {"sts_expiration": 1, "oauth_access_token_expire": 1}):
            whole = json.loads(config.read_text())
            whole["profiles"][0] |= change
            config.write_text(json.dumps(whole))
            ran = subprocess.run([sys.executable, "-c", LIBRARY], env=environment, capture_output=True, text=True, timeout=60)
            assert ran.returncode == 0, ran.stderr
            after = json.loads(config.read_text())["profiles"][0]
            said.append(json.loads(ran.stdout) | {"refresh": after["oauth_refresh_token"], "kept": after["access_key_id"]})
        print(json.dumps({"first": refresh, "said": said}))
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
