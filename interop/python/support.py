"""What all Python suites share: the running server, temporary keys, clocks, and requests signed by hand.

The server is found through ``TEGATA_READY`` (path of its ready file). Every secret that a suite obtains is written to
``TEGATA_SECRETS_FILE``, one a line, so that the server's log can be searched for it afterwards.
"""

import base64
import contextlib
import datetime as real_datetime
import email.utils
import hashlib
import hmac
import json
import os
import time as real_time
import types
import urllib.parse
import uuid
from dataclasses import dataclass
from unittest import mock

import requests


@dataclass(frozen=True)
class Key:
    """A long-term access key, or a temporary one with its token."""

    id: str
    secret: str
    token: str | None = None
    expiration: str | None = None

    def replaced(self, **fields):
        return Key(**{**self.__dict__, **fields})


class Ready:
    """The ready file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.all = json.load(file)
        assert self.all["version"] == 1, "the ready file has another version than these suites know"
        self.issuer = self.all["issuer"]
        self.oss = self.all["oss"]
        self.oss_named = self.all["oss_named"]
        self.region = self.all["oss_region"]
        self.uid = self.all["account"]["uid"]
        self.customer_uid = self.all["customer"]["uid"]
        self.role_arn = self.all["roles"]["app-uploader"]["arn"]
        self.bucket = self.all["buckets"][0]

    @property
    def issuer_host(self):
        """`host:port` of the issuer."""
        return urllib.parse.urlsplit(self.issuer).netloc

    @property
    def https_host(self):
        return urllib.parse.urlsplit(self.all["https"]["issuer"]).netloc

    @property
    def ca_file(self):
        return self.all["https"]["ca_file"]

    def key(self, user):
        """The long-term key of a user of the sample directory, or of `root`."""
        entry = self.all["root"] if user == "root" else self.all["users"][user]
        return Key(entry["access_key_id"], entry["access_key_secret"])

    def user_arn(self, user):
        return f"acs:ram::{self.uid}:user/{user}"


def load_ready():
    path = os.environ.get("TEGATA_READY")
    assert path, "TEGATA_READY must name the ready file of a running `tegata dev`"
    return Ready(path)


def program():
    """Our own program, for the ways in which other programs get their keys from it."""
    path = os.environ.get("TEGATA_PROGRAM")
    assert path, "TEGATA_PROGRAM must name the program `tegata`"
    return path


def remember(*secrets):
    """Writes secrets down for the search of the server's log."""
    path = os.environ.get("TEGATA_SECRETS_FILE")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(f"{secret}\n" for secret in secrets)


def temporary_key(id, secret, token, expiration=None):
    """A temporary key just obtained: its shape is checked, its secrets are written down."""
    assert id.startswith("STS."), id
    assert secret and token
    assert len(token) <= 2048, "clients put the token into URLs"
    remember(secret, token)
    if expiration is not None:
        real_datetime.datetime.strptime(expiration, "%Y-%m-%dT%H:%M:%SZ")
    return Key(id, secret, token, expiration)


def unique_prefix(name):
    """A key prefix that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def session_policy(bucket, prefix):
    """The narrowest policy an app server would give to one of its users: one prefix of one bucket."""
    return json.dumps(
        {
            "Version": "1",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["oss:PutObject", "oss:GetObject"],
                    "Resource": [f"acs:oss:*:*:{bucket}/{prefix}/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["oss:ListObjects"],
                    "Resource": [f"acs:oss:*:*:{bucket}"],
                    "Condition": {"StringLike": {"oss:Prefix": [f"{prefix}/", f"{prefix}/*"]}},
                },
            ],
        }
    )


def tampered(text):
    """The same text with one character in its middle exchanged for another of the same kind."""
    at = len(text) // 2
    while not text[at].isalnum():
        at += 1
    other = "A" if text[at] != "A" else "B"
    return text[:at] + other + text[at + 1 :]


# --- clocks -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def shifted_clock(seconds):
    """This process, as the SDKs see it, lives `seconds` in the future (or, if negative, in the past).

    The SDKs ask in three ways: `time.time`/`time.gmtime`, a `datetime` class imported by name, and the `datetime` module.
    """
    import aliyunsdkcore.utils.parameter_helper as legacy
    import alibabacloud_oss_v2.signer.v1 as v2_signer_v1
    import alibabacloud_oss_v2.signer.v4 as v2_signer_v4
    import alibabacloud_tea_openapi.utils as tea
    import oss2.auth

    delta = real_datetime.timedelta(seconds=seconds)

    class Shifted(real_datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return real_datetime.datetime.now(tz) + delta

        @classmethod
        def utcnow(cls):
            return real_datetime.datetime.now(real_datetime.timezone.utc).replace(tzinfo=None) + delta

    module = types.SimpleNamespace(
        datetime=Shifted, timedelta=real_datetime.timedelta, timezone=real_datetime.timezone, date=real_datetime.date
    )
    time, gmtime = real_time.time, real_time.gmtime
    with contextlib.ExitStack() as stack:
        for target in (oss2.auth, tea):
            stack.enter_context(mock.patch.object(target, "datetime", Shifted))
        for target in (v2_signer_v1, v2_signer_v4):
            stack.enter_context(mock.patch.object(target, "datetime", module))
        # E-mail date formatting asks `time.time` itself.
        stack.enter_context(mock.patch.object(real_time, "time", lambda: time() + seconds))
        stack.enter_context(
            mock.patch.object(
                legacy, "time", types.SimpleNamespace(time=lambda: time() + seconds, gmtime=lambda: gmtime(time() + seconds), strftime=real_time.strftime)
            )
        )
        yield


# --- requests signed by hand, where a client would never send what is to be shown -----------------------------------


def percent(text):
    return urllib.parse.quote(str(text), safe="-_.~")


def rpc_parameters(key, action, **parameters):
    """All parameters of an RPC call, without its signature."""
    common = {
        "Action": action,
        "Version": "2015-04-01",
        "Format": "JSON",
        "AccessKeyId": key.id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": real_datetime.datetime.now(real_datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if key.token:
        common["SecurityToken"] = key.token
    # An explicit `None` leaves a parameter out.
    return {name: value for name, value in {**common, **parameters}.items() if value is not None}


def rpc_signature(key, method, parameters):
    canonical = "&".join(f"{percent(name)}={percent(value)}" for name, value in sorted(parameters.items()))
    text = f"{method}&{percent('/')}&{percent(canonical)}"
    return base64.b64encode(hmac.new(f"{key.secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def rpc_call(ready, key, action, method="GET", **parameters):
    """One RPC call, signed; returns the answer whatever it is."""
    parameters = rpc_parameters(key, action, **parameters)
    parameters["Signature"] = rpc_signature(key, method, parameters)
    return rpc_send(ready, method, parameters)


def rpc_send(ready, method, parameters):
    if method == "GET":
        return requests.get(ready.issuer + "/", params=parameters, timeout=30)
    return requests.post(ready.issuer + "/", data=parameters, timeout=30)


def rpc_error(answer):
    """`(status, code)` of a refused call; its answer must be complete."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/json;charset=utf-8", answer.headers
    for name in ("RequestId", "HostId", "Code", "Message"):
        assert body.get(name), (name, body)
    assert answer.headers["x-acs-request-id"] == body["RequestId"]
    return answer.status_code, body["Code"]


def oss_v1_signature(key, method, date, resource, headers=None):
    """Signature of an OSS request in form V1; `headers` are its `x-oss-` headers, `date` its date line or expiry."""
    lines = "".join(f"{name}:{value}\n" for name, value in sorted((headers or {}).items()))
    text = f"{method}\n\n\n{date}\n{lines}{resource}"
    return base64.b64encode(hmac.new(key.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def http_date(seconds=0):
    return email.utils.formatdate(real_time.time() + seconds, usegmt=True)


def oss_error(answer):
    """`(status, code, ec)` of a refused request; its answer must be complete."""
    import xml.etree.ElementTree as xml

    assert answer.headers["content-type"] == "application/xml", answer.headers
    assert "date" in answer.headers
    root = xml.fromstring(answer.content)
    assert root.tag == "Error", root.tag
    assert root.findtext("RequestId") == answer.headers["x-oss-request-id"]
    return answer.status_code, root.findtext("Code"), root.findtext("EC")
