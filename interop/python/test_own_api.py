"""Our own API (version 2026-11-01) through the generic calls of public clients, which know none of its operations.

`alibabacloud_tea_openapi` signs with ACS3 and sends a form; `aliyun-python-sdk-core` signs by RPC V1.
"""

import json

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from Tea.exceptions import TeaException
from darabonba.runtime import RuntimeOptions

import support

VERSION = "2026-11-01"


def config(ready, key):
    return Config(
        access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=ready.issuer_host, protocol="http"
    )


def own(ready, key):
    """`call("ListSessions", UserName="bob")` is the answer, as the API names it."""
    client = Client(config(ready, key))

    def call(action, **fields):
        params = Params(
            action=action,
            version=VERSION,
            protocol="HTTP",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        return client.call_api(params, OpenApiRequest(body=fields), RuntimeOptions())["body"]

    return call


def refused(call):
    with pytest.raises((AlibabaCloudException, TeaException)) as caught:
        call()
    return caught.value.code


@pytest.fixture(scope="module")
def alice(ready):
    return own(ready, ready.key("alice"))


def session_of(key):
    return key.id.replace("STS.", "session_")


def test_a_session_is_listed_shown_and_taken_back(ready, alice, issue):
    key = issue("own-api/")
    session = session_of(key)
    listed = alice("ListSessions", UserName="appserver", MaxItems="1000")["Sessions"]["Session"]
    assert session in [one["SessionId"] for one in listed]
    shown = alice("GetSession", SessionId=session)["Session"]
    assert (shown["State"], shown["Caller"], shown["HasSessionPolicy"]) == ("Live", "user appserver", True)
    assert shown["RoleArn"] == ready.role_arn and shown["AccessKeyId"] == key.id

    assert own(ready, key)("RevokeSessions", SessionId=session)["EndedSessions"] == 1
    assert refused(lambda: own(ready, key)("GetSession", SessionId=session)) == "InvalidSecurityToken.Expired"
    assert alice("GetSession", SessionId=session)["Session"]["State"] == "Ended"
    assert session not in [one["SessionId"] for one in alice("ListSessions", UserName="appserver")["Sessions"]["Session"]]
    assert refused(lambda: alice("RevokeSessions")) == "InvalidParameter.SessionId"
    assert refused(lambda: alice("GetSession", SessionId="session_00000000000000000000000000")) == "EntityNotExist.Session"


def test_a_refusal_is_explained_to_those_who_may_know(ready, alice):
    # Not one of those whom the tables of calls have refused all the time: rows of refusals are rationed by the minute.
    server, bob = own(ready, ready.key("appserver")), own(ready, ready.key("bob"))
    with pytest.raises((AlibabaCloudException, TeaException)) as caught:
        server("ListAuditEvents")
    request = caught.value.data["RequestId"]
    whole = alice("ExplainRequest", RequestId=request)["Explanation"]
    assert (whole["Action"], whole["Outcome"], whole["Caller"]) == ("tegata:ListAuditEvents", "Refused", "user appserver")
    assert whole["Changes"]["Change"] and whole["Conditions"]["Condition"]
    own_view = server("ExplainRequest", RequestId=request)["Explanation"]
    assert own_view["Layers"]["Layer"][0]["Stands"] == "not allowed" and not own_view["Changes"]["Change"]
    assert refused(lambda: bob("ExplainRequest", RequestId=request)) == "NoPermission"
    events = alice("ListAuditEvents", Caller="appserver", Outcome="Refused", EventAction="tegata:")["Events"]["Event"]
    assert request in [event["RequestId"] for event in events]


def test_a_leaked_key_is_switched_off(ready, alice):
    ram = RamClient(config(ready, ready.key("alice")))
    made = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="dan")).body.access_key
    support.remember(made.access_key_secret)
    try:
        log = f'ERROR env {{"SECRET":"{made.access_key_secret}\\n"}}\r\nnext'
        assert alice("ReportLeakedCredential", Text=log, DryRun="true")["Credentials"]["Credential"][0]["Done"] == "Nothing"
        found = alice("ReportLeakedCredential", Text=log)["Credentials"]["Credential"]
        assert [(one["AccessKeyId"], one["Owner"], one["Done"]) for one in found] == [(made.access_key_id, "user dan", "Disabled")]
        key = support.Key(made.access_key_id, made.access_key_secret)
        assert refused(lambda: own(ready, key)("ListSessions")) == "InvalidAccessKeyId.Inactive"
    finally:
        ram.delete_access_key(ram_models.DeleteAccessKeyRequest(user_name="dan", user_access_key_id=made.access_key_id))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_same_by_the_older_signature(ready, issue, method):
    alice = ready.key("alice")
    key = issue()

    def call(key, action, **fields):
        credential = StsTokenCredential(key.id, key.secret, key.token) if key.token else AccessKeyCredential(key.id, key.secret)
        request = CommonRequest(domain=ready.issuer_host, version=VERSION, action_name=action)
        request.set_protocol_type("http")
        request.set_method(method)
        request.set_accept_format("JSON")
        for name, value in fields.items():
            request.add_query_param(name, value)
        return json.loads(AcsClient(region_id="cn-hangzhou", credential=credential).do_action_with_exception(request))

    assert call(alice, "GetSession", SessionId=session_of(key))["Session"]["State"] == "Live"
    assert call(alice, "RevokeSessions", UserAccessKeyId=key.id)["EndedSessions"] == 1
    with pytest.raises(ServerException) as caught:
        call(key, "GetSession", SessionId=session_of(key))
    assert caught.value.get_error_code() == "InvalidSecurityToken.Expired"
