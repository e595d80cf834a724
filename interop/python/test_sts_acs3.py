"""STS through `alibabacloud_sts20150401` (ACS3-HMAC-SHA256)."""

from unittest import mock

import pytest
from alibabacloud_sts20150401 import models
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils

import support


def client(ready, key, **config):
    settings = {"endpoint": ready.issuer_host, "protocol": "http", **config}
    return Client(Config(access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, **settings))


def assume(ready, key, **fields):
    fields = {"role_arn": ready.role_arn, "role_session_name": "acs3", **fields}
    return client(ready, key).assume_role(models.AssumeRoleRequest(**fields)).body


def refused(call):
    """`(status, code)` that the SDK reports."""
    with pytest.raises(AlibabaCloudException) as caught:
        call()
    return caught.value.status_code, caught.value.code


def key_of(credentials):
    return support.temporary_key(
        credentials.access_key_id, credentials.access_key_secret, credentials.security_token, credentials.expiration
    )


def test_identity_of_a_user(ready):
    body = client(ready, ready.key("appserver")).get_caller_identity().body
    assert body.identity_type == "RAMUser"
    assert body.account_id == ready.uid
    assert body.arn == ready.user_arn("appserver")
    assert body.principal_id == body.user_id
    assert body.role_id is None
    assert body.request_id


def test_identity_of_the_account_owner(ready):
    body = client(ready, ready.key("root")).get_caller_identity().body
    assert (body.identity_type, body.arn) == ("Account", f"acs:ram::{ready.uid}:root")
    assert body.principal_id == ready.uid


def test_assume_role_and_the_identity_of_its_session(ready):
    body = assume(ready, ready.key("appserver"), policy=support.session_policy(ready.bucket, "acs3"), duration_seconds=900)
    assert body.assumed_role_user.arn == f"{ready.role_arn}/acs3"
    role_id, session = body.assumed_role_user.assumed_role_id.split(":")
    assert session == "acs3"
    identity = client(ready, key_of(body.credentials)).get_caller_identity().body
    assert identity.identity_type == "AssumedRoleUser"
    assert identity.arn == f"acs:ram::{ready.uid}:assumed-role/app-uploader/acs3"
    assert identity.role_id == role_id
    assert identity.principal_id == f"{role_id}:acs3"
    assert identity.user_id is None


def test_bob_may_assume_the_role_too_and_a_source_identity_is_echoed(ready):
    body = assume(ready, ready.key("bob"), source_identity="Alice")
    key_of(body.credentials)
    assert body.source_identity == "Alice"


def test_over_https_with_the_throwaway_authority(ready):
    key = ready.key("appserver")
    # The library keeps connections per host, verified ones too: whoever does not trust the authority asks first.
    with pytest.raises(Exception) as caught:
        client(ready, key, endpoint=ready.https_host, protocol="https").get_caller_identity()
    assert not isinstance(caught.value, AlibabaCloudException), "an unknown authority must not be trusted"
    secure = client(ready, key, endpoint=ready.https_host, protocol="https", ca=ready.ca_file)
    assert secure.get_caller_identity().body.arn == ready.user_arn("appserver")


def test_who_may_not_assume_the_role(ready):
    for user in ("root", "alice", "dan"):
        assert refused(lambda user=user: assume(ready, ready.key(user))) == (403, "NoPermission"), user


def test_a_denial_says_what_was_denied(ready):
    with pytest.raises(AlibabaCloudException) as caught:
        assume(ready, ready.key("dan"))
    assert caught.value.access_denied_detail["AuthAction"] == "sts:AssumeRole"
    assert caught.value.access_denied_detail["NoPermissionType"] == "ImplicitDeny"
    assert caught.value.request_id


def test_a_role_that_does_not_exist_is_told_only_to_those_who_may_know(ready):
    absent = f"acs:ram::{ready.uid}:role/no-such-role"
    assert refused(lambda: assume(ready, ready.key("alice"), role_arn=absent)) == (404, "EntityNotExist.Role")
    assert refused(lambda: assume(ready, ready.key("appserver"), role_arn=absent)) == (403, "NoPermission")
    foreign = f"acs:ram::{ready.customer_uid}:role/app-uploader"
    assert refused(lambda: assume(ready, ready.key("appserver"), role_arn=foreign)) == (403, "NoPermission")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"role_arn": "acs:ram::1:user/bob"}, "InvalidParameter.RoleArn"),
        ({"role_session_name": "a"}, "InvalidParameter.RoleSessionName"),
        ({"role_session_name": "two words"}, "InvalidParameter.RoleSessionName"),
        ({"duration_seconds": 899}, "InvalidParameter.DurationSeconds"),
        ({"duration_seconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({"policy": "{"}, "InvalidParameter.PolicyGrammar"),
        ({"policy": '{"Version":"1","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}'}, "InvalidParameter.PolicyGrammar"),
        ({"policy": '{"Version":"1","Statement":[]}' + " " * 2048}, "InvalidParameter.PolicySize"),
        ({"role_arn": None}, "MissingRoleArn"),
        ({"role_session_name": None}, "MissingRoleSessionName"),
    ],
)
def test_bad_parameters(ready, fields, code):
    assert refused(lambda: assume(ready, ready.key("appserver"), **fields)) == (400, code)


def test_a_session_may_not_go_on_to_a_role_that_does_not_trust_it(ready, issue):
    assert refused(lambda: assume(ready, issue())) == (403, "NoPermission")


def test_wrong_secret_and_unknown_key(ready):
    key = ready.key("appserver")
    wrong = key.replaced(secret=support.tampered(key.secret))
    assert refused(lambda: client(ready, wrong).get_caller_identity()) == (400, "SignatureDoesNotMatch")
    assert refused(lambda: assume(ready, wrong)) == (400, "SignatureDoesNotMatch")
    unknown = key.replaced(id="LTAI0000000000000unknown")
    assert refused(lambda: client(ready, unknown).get_caller_identity()) == (404, "InvalidAccessKeyId.NotFound")


def test_temporary_keys_need_their_own_token(ready, issue):
    first, second = issue(), issue()
    tampered = first.replaced(token=support.tampered(first.token))
    assert refused(lambda: client(ready, tampered).get_caller_identity()) == (400, "InvalidSecurityToken.Malformed")
    exchanged = first.replaced(token=second.token)
    assert refused(lambda: client(ready, exchanged).get_caller_identity()) == (400, "InvalidSecurityToken.MismatchWithAccessKey")
    without = first.replaced(token=None)
    assert refused(lambda: client(ready, without).get_caller_identity()) == (400, "MissingSecurityToken")
    wrong = first.replaced(secret=support.tampered(first.secret))
    assert refused(lambda: client(ready, wrong).get_caller_identity()) == (400, "SignatureDoesNotMatch")
    permanent = ready.key("appserver").replaced(token=first.token)
    assert refused(lambda: client(ready, permanent).get_caller_identity()) == (400, "InvalidSecurityToken.MismatchWithAccessKey")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_skewed_clock(ready, seconds):
    with support.shifted_clock(seconds):
        assert refused(lambda: client(ready, ready.key("appserver")).get_caller_identity()) == (400, "InvalidTimeStamp.Expired")
        assert refused(lambda: assume(ready, ready.key("appserver"))) == (400, "InvalidTimeStamp.Expired")


def test_a_clock_a_few_minutes_off_is_tolerated(ready):
    for seconds in (-600, 600):
        with support.shifted_clock(seconds):
            assert client(ready, ready.key("appserver")).get_caller_identity().body.arn == ready.user_arn("appserver")


def test_a_nonce_serves_once(ready):
    key = ready.key("appserver")
    with mock.patch.object(Utils, "get_nonce", staticmethod(lambda: "interop-acs3-read-nonce")):
        client(ready, key).get_caller_identity()
        assert refused(lambda: client(ready, key).get_caller_identity()) == (400, "SignatureNonceUsed")
    with mock.patch.object(Utils, "get_nonce", staticmethod(lambda: "interop-acs3-write-nonce")):
        key_of(assume(ready, key).credentials)
        assert refused(lambda: assume(ready, key)) == (400, "SignatureNonceUsed")
        # It belongs to one key: another key's calls are not refused because of it.
        key_of(assume(ready, ready.key("bob")).credentials)
