"""Run inside a private network namespace: a server of our own under the vendor's host names, and the vendor's tool, unmodified.

Nothing leaves loopback; no name of the vendor's is ever asked outside. Prints one JSON object.
"""

import fcntl
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

import requests

from people import Browser

NAMES = {
    "CN": ["signin.aliyun.com", "oauth.aliyun.com"],
    "INTL": ["signin.alibabacloud.com", "oauth.alibabacloud.com"],
}
OTHERS = ["sts.aliyuncs.com", "sts.cn-hangzhou.aliyuncs.com"]


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        name = b"lo".ljust(16, b"\0")
        flags = struct.unpack("16sh", fcntl.ioctl(probe, 0x8913, name + b"\0" * 2))[1]
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh", name, flags | 1))


def main(program, folder, site):
    folder = pathlib.Path(folder)
    loopback_up()
    names = [name for pair in NAMES.values() for name in pair] + OTHERS
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost " + " ".join(names) + "\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
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
        home = folder / "home"
        home.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SSL_CERT_FILE": ca, "PYTHONUNBUFFERED": "1"}
        tool = subprocess.Popen(
            [sys.executable, "-m", "maxc_cli", "auth", "login", "--oauth", "--no-browser", "--no-validate", "--no-picker",
             "--project", "p", "--endpoint", "https://any.example/api", "--json", "--site-type", site],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        url = None
        for line in tool.stderr:
            found = re.search(r"https://\S+", line)
            if found and "/oauth2/v1/auth" in found.group(0):
                url = found.group(0)
                break
        assert url, tool.stdout.read()
        alice = Browser(verify=ca).get(url).sign_in(world["users"]["alice"])
        if "Official application" in alice.title():
            alice.submit(decision="allow")
        base = url.split("/oauth2/")[0]
        alice.get(f"{base}/apps/official-cli/assignments").submit(identity_type="user", identity="bob")
        bob = Browser(verify=ca).get(url).sign_in(world["users"]["bob"])
        bob.submit(decision="allow")
        status = requests.get(bob.left_for, timeout=10).status_code
        out, rest = tool.communicate(timeout=60)
        config = home / ".maxc" / "config.yaml"
        said = {
            "exit": tool.returncode, "callback": status, "answer": json.loads(out), "cookies": sorted(bob.http.cookies.keys()),
            "mode": oct(config.stat().st_mode & 0o777), "kept": config.read_text(),
        }
        print(json.dumps(said))
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
