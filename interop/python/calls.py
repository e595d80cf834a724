"""Plays the tables of `../calls` through a client. Each library needs only two functions: one call, and what a refusal says.

A step is `[operation, parameters, expected, who]`. `expected` is either `[status, code]` of a refusal or a map from places in the answer to
values; `who` is a user of the sample directory (`alice` if it is left out) or a key made by an earlier step.

A place is a path with dots; `*` stands for every item of a list, and then one of them has to fit; `!` before it means that none does.
Besides a plain value, `{"keep": name}` puts what is there into `${name}`, `{"key": name}` makes an access key of it, `{"date": true}` wants a
date of this API, `{"any": true}` wants anything.

`${…}` in a text is a value: a name of its own (`unique`), a password, a document, what an earlier step kept, `${totp:seed:-1}`, a one-time code
of that seed for the half minute before this one, or `${diagnostic}`, the message of a refusal.
"""

import datetime
import json
import pathlib
import re
import time
import uuid

import support

HERE = pathlib.Path(__file__).parent
DEFAULT_USER = "alice"


class Refused(Exception):
    """What the server answered; without a status, the client refused by itself to send such a thing."""

    def __init__(self, status, code):
        super().__init__(f"{status} {code}")
        self.answer = None if status is None else [status, code]


class Table:
    def __init__(self, name):
        self.name = name
        self.all = json.loads((HERE / f"../calls/{name}.json").read_text(encoding="utf-8"))
        self.version = self.all["version"]
        self.scenarios = self.all["scenarios"]

    @property
    def steps(self):
        return [step for scenario in self.scenarios for step in scenario["steps"]]

    def operations(self):
        """Those with a call that succeeds and one that is refused."""
        good = {step[0] for step in self.steps if isinstance(step[2], dict)}
        bad = {step[0] for step in self.steps if isinstance(step[2], list)}
        assert good == bad, f"without a good call, or without a refusal: {sorted(good ^ bad)}"
        return good


def claims(version, offered=True):
    """The operations of that version which the reference page says are offered, or are not."""
    page = (HERE / "../../docs/ram.md").read_text(encoding="utf-8")
    section = re.search(rf"^### [^\n]*{version}.*?(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/ram.md has nothing on {version}"
    answer = "yes" if offered else "no"
    return set(re.findall(rf"^\| `([A-Z][A-Za-z]+)` \| {answer}\b", section[0], re.MULTILINE))


def not_there(ready, table):
    """Operations that are not offered say so, to whoever may do everything."""
    for operation in sorted(claims(table.version, offered=False)):
        answer = support.rpc_call(ready, ready.key("alice"), operation, Version=table.version)
        assert support.rpc_error(answer) == (404, "InvalidAction.NotFound"), operation


def one_time_code(seed, step):
    """The code of the current half minute, or of `step` half minutes later."""
    import pyotp

    return pyotp.TOTP(seed).at(int(time.time()) + 30 * step)


def diagnostic(ready, table):
    """The message that comes with a refusal of `dan`; not every library passes it on."""
    answer = support.rpc_call(ready, ready.key("dan"), "ListUsers", Version=table.version)
    return answer.json()["AccessDeniedDetail"]["EncodedDiagnosticMessage"]


class Play:
    """One scenario. `call(key, operation, parameters)` answers the body as the API names it, or raises `Refused`."""

    def __init__(self, ready, table, scenario, call):
        self.ready, self.scenario, self.call = ready, scenario, call
        self.keys = {}
        self.values = {"account": ready.uid}
        for name, text in table.all.get("documents", {}).items():
            self.values[name] = self.filled(text)
        for kind in scenario.get("unique", []):
            self.values[kind] = f"{kind}-{uuid.uuid4().hex[:12]}"
        for kind in scenario.get("passwords", []):
            self.values[kind] = f"Interop-{uuid.uuid4().hex}"[:31]
            support.remember(self.values[kind])
        if "diagnostic" in scenario.get("needs", []):
            self.values["diagnostic"] = diagnostic(ready, table)

    def run(self):
        try:
            for step in self.scenario["steps"]:
                self.step(*step)
        finally:
            for operation, parameters, *who in self.scenario.get("cleanup", []):
                try:
                    self.send(operation, parameters, *who)
                except (Refused, KeyError):
                    pass

    def step(self, operation, parameters, expected, who=DEFAULT_USER):
        where = f"{operation} {json.dumps(parameters, ensure_ascii=False)} as {who}"
        if isinstance(expected, list):
            try:
                body = self.send(operation, parameters, who)
            except Refused as refused:
                assert refused.answer in (None, expected), f"{where}: {refused}"
                return
            raise AssertionError(f"{where}: was not refused: {body}")
        try:
            body = self.send(operation, parameters, who)
        except Refused as refused:
            raise AssertionError(f"{where}: {refused}") from None
        assert body["RequestId"], where
        for place, value in expected.items():
            self.compare(where, body, place, value)

    def send(self, operation, parameters, who=DEFAULT_USER):
        key = self.keys[who] if who in self.keys else self.ready.key(who)
        return self.call(key, operation, self.filled(parameters))

    def filled(self, value):
        if isinstance(value, str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: self.value(found[1]), value)
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        return value

    def value(self, name):
        if name.startswith("totp:"):
            _, seed, step = name.split(":")
            return one_time_code(self.values[seed], int(step))
        return self.values[name]

    def compare(self, where, body, place, expected):
        path = place.removeprefix("!")
        found = list(at(body, path.split(".")))
        where = f"{where}: {place} in {json.dumps(body, ensure_ascii=False)}"
        if isinstance(expected, dict) and "keep" in expected:
            assert found, where
            self.values[expected["keep"]] = found[0]
            if expected.get("secret"):
                support.remember(found[0])
        elif isinstance(expected, dict) and "key" in expected:
            [made] = found
            support.remember(made["AccessKeySecret"])
            self.keys[expected["key"]] = support.Key(made["AccessKeyId"], made["AccessKeySecret"])
            self.values[expected["key"]] = made["AccessKeyId"]
        else:
            fits = any(self.fits(value, expected) for value in found)
            assert fits != place.startswith("!"), where

    def fits(self, value, expected):
        if isinstance(expected, dict) and "date" in expected:
            return datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ") is not None
        if isinstance(expected, dict) and "any" in expected:
            return value not in (None, "")
        expected = self.filled(expected)
        return type(value) is type(expected) and value == expected


def at(value, path):
    if not path:
        yield value
    elif path[0] == "*":
        for item in value or []:
            yield from at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from at(value[path[0]], path[1:])
