"""Our own command line, called by the names of the API."""

import json
import re
import subprocess

import calls
import support

# Never in the arguments, which other users of a machine can see.
SECRET = {"Password", "OldPassword", "NewPassword"}


def caller(ready, product):
    """`call(key, operation, parameters)`: parameters and answer as the API names them."""

    def call(key, operation, parameters):
        arguments = [support.program(), product, operation, "--output", "json"]
        lines = [f"{value}\n" for name, value in parameters.items() if name in SECRET]
        for name, value in parameters.items():
            text = "-" if name in SECRET else value if isinstance(value, str) else json.dumps(value)
            arguments.append(f"--{name}={text}")
        environment = {
            "HOME": "/nonexistent",
            "TEGATA_ENDPOINT": ready.issuer,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key.id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
        }
        ran = subprocess.run(arguments, env=environment, input="".join(lines), capture_output=True, text=True, timeout=60)
        if ran.returncode == 0:
            return json.loads(ran.stdout)
        refused = re.match(r"tegata: the server refused with (\d+) ([\w.]+):", ran.stderr)
        if refused:
            raise calls.Refused(int(refused[1]), refused[2])
        assert ran.returncode == 2, ran.stderr
        raise calls.Refused(None, ran.stderr)

    return call
