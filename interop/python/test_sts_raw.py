"""STS requests that no client library would send."""

import pytest
import requests

import support
from support import rpc_call, rpc_error, rpc_parameters, rpc_send, rpc_signature


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("action", ["GetCallerIdentity", "AssumeRole"])
def test_a_replay_is_refused(ready, method, action):
    key = ready.key("appserver")
    extra = {"RoleArn": ready.role_arn, "RoleSessionName": "replay"} if action == "AssumeRole" else {}
    parameters = rpc_parameters(key, action, **extra)
    parameters["Signature"] = rpc_signature(key, method, parameters)
    first = rpc_send(ready, method, parameters)
    assert first.status_code == 200, first.text
    if action == "AssumeRole":
        given = first.json()["Credentials"]
        support.remember(given["AccessKeySecret"], given["SecurityToken"])
    assert rpc_error(rpc_send(ready, method, parameters)) == (400, "SignatureNonceUsed")


def test_a_nonce_of_a_refused_signature_is_not_spent(ready):
    key = ready.key("appserver")
    parameters = rpc_parameters(key, "GetCallerIdentity")
    bad = {**parameters, "Signature": rpc_signature(key.replaced(secret="another"), "GET", parameters)}
    assert rpc_error(rpc_send(ready, "GET", bad)) == (400, "SignatureDoesNotMatch")
    good = {**parameters, "Signature": rpc_signature(key, "GET", parameters)}
    assert rpc_send(ready, "GET", good).status_code == 200


def test_the_exact_text_of_a_mismatch(ready):
    key = ready.key("appserver")
    parameters = rpc_parameters(key, "GetCallerIdentity")
    parameters["Signature"] = rpc_signature(key.replaced(secret="another"), "GET", parameters)
    message = rpc_send(ready, "GET", parameters).json()["Message"]
    prefix = "Specified signature is not matched with our calculation. server string to sign is:"
    assert message.startswith(prefix + "GET&%2F&AccessKeyId%3D"), message
    assert key.secret not in message


def test_every_signed_parameter_counts(ready):
    key = ready.key("appserver")
    parameters = rpc_parameters(key, "GetCallerIdentity", Extra="one")
    signature = rpc_signature(key, "GET", parameters)
    for name in ("Extra", "SignatureNonce", "Format"):
        changed = {**parameters, "Signature": signature, name: "XML" if name == "Format" else "other"}
        answer = rpc_send(ready, "GET", changed)
        assert answer.status_code == 400 and "SignatureDoesNotMatch" in answer.text, name
    assert rpc_error(rpc_send(ready, "POST", {**parameters, "Signature": signature})) == (400, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ({"Action": "NoSuchAction"}, (404, "InvalidAction.NotFound")),
        ({"Version": "1999-01-01"}, (400, "InvalidVersion")),
        ({"Timestamp": "yesterday"}, (400, "InvalidTimeStamp.Format")),
        ({"Timestamp": "2020-01-01T00:00:00Z"}, (400, "InvalidTimeStamp.Expired")),
        ({"SignatureMethod": "HMAC-MD5"}, (400, "InvalidSignatureMethod")),
        ({"SignatureNonce": None}, (400, "MissingSignatureNonce")),
        ({"Timestamp": None}, (400, "MissingTimestamp")),
        ({"AccessKeyId": "LTAI0000000000000unknown"}, (404, "InvalidAccessKeyId.NotFound")),
    ],
)
def test_common_parameters(ready, parameters, answer):
    assert rpc_error(rpc_call(ready, ready.key("appserver"), "GetCallerIdentity", **parameters)) == answer


def test_a_parameter_may_not_occur_twice(ready):
    key = ready.key("appserver")
    parameters = rpc_parameters(key, "GetCallerIdentity")
    parameters["Signature"] = rpc_signature(key, "GET", parameters)
    pairs = [*parameters.items(), ("Action", "AssumeRole")]
    assert rpc_error(requests.get(ready.issuer + "/", params=pairs, timeout=30)) == (400, "InvalidParameter")


def test_unsigned_calls(ready):
    answer = requests.get(ready.issuer + "/", params={"Action": "GetCallerIdentity", "Version": "2015-04-01"}, timeout=30)
    status, code = rpc_error(answer)
    assert status == 400 and code in ("MissingSignature", "MissingAccessKeyId"), code


@pytest.mark.parametrize("authorization", ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=", "ACS3-HMAC-SHA256 " + "x" * 4000])
def test_malformed_authorization_headers(ready, authorization):
    headers = {"Authorization": authorization, "x-acs-action": "GetCallerIdentity", "x-acs-version": "2015-04-01"}
    answer = requests.post(ready.issuer + "/", headers=headers, timeout=30)
    status, code = rpc_error(answer)
    assert 400 <= status < 500 and code, (status, code)


def test_deep_and_large_policies_are_answered_not_suffered(ready):
    key = ready.key("appserver")
    for policy, code in [("[" * 1000, "InvalidParameter.PolicyGrammar"), ("x" * 2049, "InvalidParameter.PolicySize")]:
        answer = rpc_call(ready, key, "AssumeRole", "POST", RoleArn=ready.role_arn, RoleSessionName="deep", Policy=policy)
        assert rpc_error(answer) == (400, code)
    try:
        huge = rpc_call(ready, key, "AssumeRole", "POST", RoleArn=ready.role_arn, RoleSessionName="huge", Policy="x" * 11_000_000)
        assert 400 <= huge.status_code < 500
    except requests.exceptions.ConnectionError:
        # A server need not read to its end what it will not take; then a client may not see the answer.
        pass
    assert rpc_call(ready, key, "GetCallerIdentity").status_code == 200
