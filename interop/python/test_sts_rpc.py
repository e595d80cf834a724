"""STS through `aliyun-python-sdk-core` and `-sts` (RPC signature V1), in JSON and XML."""

import json
import xml.etree.ElementTree as xml
from unittest import mock

import aliyunsdkcore.utils.parameter_helper as parameter_helper
import pytest
from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest

import support


def client(ready, key, host=None, **options):
    port = int((host or ready.issuer_host).rsplit(":", 1)[1])
    options = {"port": port, "timeout": 30, "auto_retry": False, **options}
    if key.token:
        return AcsClient(region_id="cn-hangzhou", credential=StsTokenCredential(key.id, key.secret, key.token), **options)
    return AcsClient(key.id, key.secret, "cn-hangzhou", **options)


def prepared(request, scheme="http"):
    request.set_endpoint("127.0.0.1")
    request.set_protocol_type(scheme)
    return request


def identity(ready, key):
    return json.loads(client(ready, key).do_action_with_exception(prepared(GetCallerIdentityRequest())))


def assume_request(ready, **fields):
    request = prepared(AssumeRoleRequest())
    for name, value in {"RoleArn": ready.role_arn, "RoleSessionName": "rpc", **fields}.items():
        request.add_query_param(name, value)
    return request


def assume(ready, key, **fields):
    return json.loads(client(ready, key).do_action_with_exception(assume_request(ready, **fields)))


def key_of(answer):
    given = answer["Credentials"]
    return support.temporary_key(given["AccessKeyId"], given["AccessKeySecret"], given["SecurityToken"], given["Expiration"])


def refused(call):
    with pytest.raises(ServerException) as caught:
        call()
    return caught.value.get_http_status(), caught.value.get_error_code()


def test_identities(ready):
    user = identity(ready, ready.key("bob"))
    assert (user["IdentityType"], user["Arn"]) == ("RAMUser", ready.user_arn("bob"))
    assert "RoleId" not in user and "Code" not in user
    owner = identity(ready, ready.key("root"))
    assert (owner["IdentityType"], owner["Arn"]) == ("Account", f"acs:ram::{ready.uid}:root")


def test_assume_role_and_the_identity_of_its_session(ready):
    answer = assume(ready, ready.key("appserver"), Policy=support.session_policy(ready.bucket, "rpc"), DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"{ready.role_arn}/rpc"
    session = identity(ready, key_of(answer))
    assert session["IdentityType"] == "AssumedRoleUser"
    assert session["Arn"] == f"acs:ram::{ready.uid}:assumed-role/app-uploader/rpc"
    assert session["PrincipalId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_a_common_request(ready):
    request = CommonRequest(domain="127.0.0.1", version="2015-04-01", action_name="GetCallerIdentity")
    request.set_protocol_type("http")
    request.set_method("POST")
    assert json.loads(client(ready, ready.key("appserver")).do_action_with_exception(request))["Arn"] == ready.user_arn("appserver")


def test_over_https_with_the_throwaway_authority(ready):
    key = ready.key("appserver")
    secure = client(ready, key, host=ready.https_host, verify=ready.ca_file)
    answer = json.loads(secure.do_action_with_exception(prepared(GetCallerIdentityRequest(), "https")))
    assert answer["Arn"] == ready.user_arn("appserver")
    with pytest.raises(ClientException):
        client(ready, key, host=ready.https_host).do_action_with_exception(prepared(GetCallerIdentityRequest(), "https"))


def test_answers_in_xml(ready):
    request = assume_request(ready)
    request.set_accept_format("XML")
    root = xml.fromstring(client(ready, ready.key("appserver")).do_action(request))
    assert root.tag == "AssumeRoleResponse"
    given = {name: root.findtext(f"Credentials/{name}") for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")}
    key = support.temporary_key(given["AccessKeyId"], given["AccessKeySecret"], given["SecurityToken"], given["Expiration"])
    assert root.findtext("AssumedRoleUser/Arn") == f"{ready.role_arn}/rpc"

    request = prepared(GetCallerIdentityRequest())
    request.set_accept_format("XML")
    root = xml.fromstring(client(ready, key).do_action(request))
    assert (root.tag, root.findtext("IdentityType")) == ("GetCallerIdentityResponse", "AssumedRoleUser")

    request = assume_request(ready)
    request.set_accept_format("XML")
    root = xml.fromstring(client(ready, ready.key("dan")).do_action(request))
    assert (root.tag, root.findtext("Code")) == ("Error", "NoPermission")
    assert root.findtext("RequestId") and root.findtext("HostId") and root.findtext("Message")


def test_who_may_not_assume_the_role(ready):
    for user in ("root", "alice", "dan"):
        assert refused(lambda user=user: assume(ready, ready.key(user))) == (403, "NoPermission"), user


def test_refusals(ready):
    key = ready.key("appserver")
    absent = f"acs:ram::{ready.uid}:role/no-such-role"
    assert refused(lambda: assume(ready, ready.key("alice"), RoleArn=absent)) == (404, "EntityNotExist.Role")
    assert refused(lambda: assume(ready, key, DurationSeconds=899)) == (400, "InvalidParameter.DurationSeconds")
    assert refused(lambda: assume(ready, key, DurationSeconds="soon")) == (400, "InvalidParameter.DurationSeconds")
    assert refused(lambda: assume(ready, key, Policy="not a policy")) == (400, "InvalidParameter.PolicyGrammar")
    assert refused(lambda: assume(ready, key, RoleArn="nonsense")) == (400, "InvalidParameter.RoleArn")


def test_wrong_secret(ready):
    """The SDK finds its own string to sign in the message, and so tells a wrong secret from a broken request."""
    key = ready.key("appserver")
    wrong = key.replaced(secret=support.tampered(key.secret))
    assert refused(lambda: identity(ready, wrong)) == (400, "InvalidAccessKeySecret")
    assert refused(lambda: assume(ready, wrong)) == (400, "InvalidAccessKeySecret")


def test_temporary_keys_need_their_own_token(ready, issue):
    first, second = issue(), issue()
    assert refused(lambda: identity(ready, first.replaced(token=support.tampered(first.token)))) == (400, "InvalidSecurityToken.Malformed")
    assert refused(lambda: identity(ready, first.replaced(token=second.token))) == (400, "InvalidSecurityToken.MismatchWithAccessKey")
    assert refused(lambda: identity(ready, first.replaced(token=None))) == (400, "MissingSecurityToken")
    assert refused(lambda: identity(ready, first.replaced(secret=support.tampered(first.secret)))) == (400, "InvalidAccessKeySecret")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_skewed_clock(ready, seconds):
    with support.shifted_clock(seconds):
        assert refused(lambda: identity(ready, ready.key("appserver"))) == (400, "InvalidTimeStamp.Expired")
        assert refused(lambda: assume(ready, ready.key("appserver"))) == (400, "InvalidTimeStamp.Expired")


def test_a_nonce_serves_once(ready):
    with mock.patch.object(parameter_helper, "get_uuid", lambda: "interop-rpc-nonce"):
        key_of(assume(ready, ready.key("appserver")))
        assert refused(lambda: assume(ready, ready.key("appserver"))) == (400, "SignatureNonceUsed")
