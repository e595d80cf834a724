"""RAM through `alibabacloud_ram20150501` (ACS3-HMAC-SHA256): every operation that is offered, with its main errors.

`alice` administers the sample account. Whatever a test makes has a name of its own and is taken away again.
"""

import contextlib
import json
import uuid

import pytest
from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi import utils_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

import support

READ = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetUser", "Resource": "*"}]})


def config(ready, key):
    return Config(
        access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=ready.issuer_host, protocol="http"
    )


class Ram:
    """`ram.create_user(user_name=…)` is `CreateUser` with these parameters; the answer is the body, as the API names it."""

    def __init__(self, ready, key):
        self.client = Client(config(ready, key))

    def __getattr__(self, operation):
        request = getattr(models, "".join(part.title() for part in operation.split("_")) + "Request")
        return lambda **fields: getattr(self.client, operation)(request(**fields)).body.to_map()


@pytest.fixture(scope="module")
def ram(ready):
    return Ram(ready, ready.key("alice"))


@pytest.fixture(autouse=True)
def nothing_is_left_behind(ram):
    def names():
        return (
            sorted(user["UserName"] for user in ram.list_users(max_items=1000)["Users"]["User"]),
            sorted(group["GroupName"] for group in ram.list_groups(max_items=100)["Groups"]["Group"]),
            sorted(role["RoleName"] for role in ram.list_roles(max_items=1000)["Roles"]["Role"]),
            sorted(policy["PolicyName"] for policy in ram.list_policies(policy_type="Custom", max_items=1000)["Policies"]["Policy"]),
        )

    before = names()
    yield
    assert names() == before


def refused(call, **fields):
    """`(status, code)` that the SDK reports."""
    with pytest.raises(AlibabaCloudException) as caught:
        call(**fields)
    return caught.value.status_code, caught.value.code


def unique(kind):
    return f"{kind}-{uuid.uuid4().hex[:12]}"


@contextlib.contextmanager
def user(ram, **fields):
    name = unique("user")
    ram.create_user(user_name=name, **fields)
    try:
        yield name
    finally:
        for key in ram.list_access_keys(user_name=name)["AccessKeys"]["AccessKey"]:
            ram.delete_access_key(user_name=name, user_access_key_id=key["AccessKeyId"])
        for policy in ram.list_policies_for_user(user_name=name)["Policies"]["Policy"]:
            ram.detach_policy_from_user(policy_name=policy["PolicyName"], policy_type=policy["PolicyType"], user_name=name)
        for group in ram.list_groups_for_user(user_name=name)["Groups"]["Group"]:
            ram.remove_user_from_group(user_name=name, group_name=group["GroupName"])
        ram.delete_user(user_name=name)


@contextlib.contextmanager
def policy(ram, document=READ):
    name = unique("policy")
    ram.create_policy(policy_name=name, policy_document=document, description="a test")
    try:
        yield name
    finally:
        ram.delete_policy(policy_name=name, cascading_delete=True)


@contextlib.contextmanager
def group(ram, **fields):
    name = unique("group")
    ram.create_group(group_name=name, **fields)
    try:
        yield name
    finally:
        ram.delete_group(group_name=name)


@contextlib.contextmanager
def role(ram, trust, **fields):
    name = unique("role")
    ram.create_role(role_name=name, assume_role_policy_document=trust, **fields)
    try:
        yield name
    finally:
        for attached in ram.list_policies_for_role(role_name=name)["Policies"]["Policy"]:
            ram.detach_policy_from_role(policy_name=attached["PolicyName"], policy_type=attached["PolicyType"], role_name=name)
        ram.delete_role(role_name=name)


def new_key(ram, name):
    made = ram.create_access_key(user_name=name)["AccessKey"]
    support.remember(made["AccessKeySecret"])
    return support.Key(made["AccessKeyId"], made["AccessKeySecret"])


def trusting(*arns):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": list(arns)}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def assume(ready, key, name):
    request = sts_models.AssumeRoleRequest(role_arn=f"acs:ram::{ready.uid}:role/{name}", role_session_name="ram")
    given = StsClient(config(ready, key)).assume_role(request).body.credentials
    return support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token)


def test_users(ram):
    with user(ram, display_name="Eve", mobile_phone="81-312345678", email="eve@example.test", comments="hello") as name:
        made = ram.get_user(user_name=name.upper())["User"]
        assert (made["UserName"], made["DisplayName"], made["Email"]) == (name, "Eve", "eve@example.test")
        assert (made["MobilePhone"], made["Comments"]) == ("81-312345678", "hello")
        assert refused(ram.create_user, user_name=name.upper()) == (409, "EntityAlreadyExists.User")
        assert refused(ram.update_user, user_name=name, new_user_name="bob") == (409, "EntityAlreadyExists.User")
        changed = ram.update_user(user_name=name, new_display_name="Eva", new_comments="bye")["User"]
        assert (changed["UserId"], changed["DisplayName"], changed["Comments"]) == (made["UserId"], "Eva", "bye")
        other = unique("user")
        assert ram.update_user(user_name=name, new_user_name=other)["User"]["UserId"] == made["UserId"]
        assert refused(ram.get_user, user_name=name) == (404, "EntityNotExist.User")
        ram.update_user(user_name=other, new_user_name=name)
    assert refused(ram.get_user, user_name=name) == (404, "EntityNotExist.User")
    assert refused(ram.delete_user, user_name=name) == (404, "EntityNotExist.User")
    assert refused(ram.create_user, user_name="two words") == (400, "InvalidParameter.UserName.InvalidChars")
    assert refused(ram.create_user, user_name="a" * 65) == (400, "InvalidParameter.UserName.Length")
    assert refused(ram.create_user, user_name="x", email="nobody") == (400, "InvalidParameter.Email.Format")


def test_lists_have_pages(ram):
    seen, marker = [], None
    while True:
        body = ram.list_users(max_items=1, marker=marker)
        seen += [listed["UserName"] for listed in body["Users"]["User"]]
        if not body["IsTruncated"]:
            break
        marker = body["Marker"]
    assert {"alice", "bob", "dan"} <= set(seen)
    assert len(seen) == len(set(seen))
    assert refused(ram.list_users, max_items=1001) == (400, "InvalidParameter.MaxItems")


def test_access_keys(ready, ram):
    with user(ram) as name:
        first, second = new_key(ram, name), new_key(ram, name)
        assert refused(ram.create_access_key, user_name=name) == (409, "LimitExceeded.User.AccessKey")
        listed = ram.list_access_keys(user_name=name)["AccessKeys"]["AccessKey"]
        assert {key["AccessKeyId"] for key in listed} == {first.id, second.id}
        assert not any("AccessKeySecret" in key for key in listed)
        assert refused(ram.delete_user, user_name=name) == (409, "DeleteConflict.User.AccessKey")

        identity = StsClient(config(ready, first))
        assert identity.get_caller_identity().body.arn == ready.user_arn(name)
        ram.update_access_key(user_name=name, user_access_key_id=first.id, status="Inactive")
        assert refused(identity.get_caller_identity) == (400, "InvalidAccessKeyId.Inactive")
        ram.update_access_key(user_name=name, user_access_key_id=first.id, status="Active")
        identity.get_caller_identity()
        ram.delete_access_key(user_name=name, user_access_key_id=first.id)
        assert refused(identity.get_caller_identity) == (404, "InvalidAccessKeyId.NotFound")
        other = {"user_name": "bob", "user_access_key_id": second.id}
        assert refused(ram.delete_access_key, **other) == (404, "EntityNotExist.User.AccessKey")
    assert refused(ram.create_access_key, user_name=name) == (404, "EntityNotExist.User")
    # Without a name: the caller's own.
    assert ready.key("alice").id in [key["AccessKeyId"] for key in ram.list_access_keys()["AccessKeys"]["AccessKey"]]
    root = Ram(ready, ready.key("root"))
    assert ready.key("root").id in [key["AccessKeyId"] for key in root.list_access_keys()["AccessKeys"]["AccessKey"]]


def test_groups(ready, ram):
    with user(ram) as member, policy(ram) as readers, group(ram, comments="people") as name:
        key = new_key(ram, member)
        made = ram.get_group(group_name=name)["Group"]
        assert (made["GroupName"], made["Comments"]) == (name, "people")
        assert refused(ram.create_group, group_name=name.upper()) == (409, "EntityAlreadyExists.Group")
        assert ram.update_group(group_name=name, new_comments="more people")["Group"]["Comments"] == "more people"
        ram.add_user_to_group(user_name=member, group_name=name)
        assert refused(ram.add_user_to_group, user_name=member, group_name=name) == (409, "EntityAlreadyExists.User.Group")
        assert [listed["UserName"] for listed in ram.list_users_for_group(group_name=name)["Users"]["User"]] == [member]
        assert [listed["GroupName"] for listed in ram.list_groups_for_user(user_name=member)["Groups"]["Group"]] == [name]
        attachment = {"policy_name": readers, "policy_type": "Custom", "group_name": name}
        ram.attach_policy_to_group(**attachment)
        assert refused(ram.attach_policy_to_group, **attachment) == (409, "EntityAlreadyExists.Group.Policy")
        assert [listed["PolicyName"] for listed in ram.list_policies_for_group(group_name=name)["Policies"]["Policy"]] == [readers]
        # What the group may do, its member may, from the next request on and until it leaves.
        assert Ram(ready, key).get_user(user_name="bob")["User"]["UserName"] == "bob"
        assert refused(ram.delete_group, group_name=name) == (409, "DeleteConflict.Group.User")
        ram.remove_user_from_group(user_name=member, group_name=name)
        assert refused(Ram(ready, key).get_user, user_name="bob") == (403, "NoPermission")
        assert refused(ram.remove_user_from_group, user_name=member, group_name=name) == (404, "EntityNotExist.User.Group")
        assert refused(ram.delete_group, group_name=name) == (409, "DeleteConflict.Group.Policy")
        ram.detach_policy_from_group(**attachment)
        assert refused(ram.detach_policy_from_group, **attachment) == (404, "EntityNotExist.Group.Policy")
    assert refused(ram.get_group, group_name=name) == (404, "EntityNotExist.Group")


def test_policies_and_versions(ram):
    with policy(ram) as name:
        custom = {"policy_name": name, "policy_type": "Custom"}
        body = ram.get_policy(**custom)
        assert (body["Policy"]["DefaultVersion"], body["Policy"]["AttachmentCount"]) == ("v1", 0)
        assert body["DefaultPolicyVersion"]["PolicyDocument"] == READ
        assert refused(ram.create_policy, policy_name=name, policy_document=READ) == (409, "EntityAlreadyExists.Policy")
        for number in range(2, 6):
            version = ram.create_policy_version(policy_name=name, policy_document=READ)["PolicyVersion"]
            assert (version["VersionId"], version["IsDefaultVersion"]) == (f"v{number}", False)
        new = {"policy_name": name, "policy_document": READ}
        assert refused(ram.create_policy_version, **new) == (409, "LimitExceeded.Policy.Version")
        rotated = ram.create_policy_version(
            **new, set_as_default=True, rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded"
        )["PolicyVersion"]
        assert (rotated["VersionId"], rotated["IsDefaultVersion"]) == ("v6", True)
        versions = ram.list_policy_versions(**custom)["PolicyVersions"]["PolicyVersion"]
        assert [version["VersionId"] for version in versions] == ["v1", "v3", "v4", "v5", "v6"]
        assert ram.get_policy_version(**custom, version_id="v3")["PolicyVersion"]["PolicyDocument"] == READ
        assert refused(ram.get_policy_version, **custom, version_id="v2") == (404, "EntityNotExist.Policy.Version")
        assert refused(ram.get_policy_version, **custom, version_id="3") == (400, "InvalidParameter.VersionId.Format")
        ram.set_default_policy_version(policy_name=name, version_id="v3")
        last = {"policy_name": name, "version_id": "v3"}
        assert refused(ram.delete_policy_version, **last) == (409, "DeleteConflict.Policy.Version.Default")
        ram.delete_policy_version(policy_name=name, version_id="v6")
        assert refused(ram.delete_policy, policy_name=name) == (409, "DeleteConflict.Policy.Version")
        assert name in [listed["PolicyName"] for listed in ram.list_policies(policy_type="Custom")["Policies"]["Policy"]]
    assert refused(ram.get_policy, **custom) == (404, "EntityNotExist.Policy")
    assert refused(ram.create_policy, policy_name="x", policy_document="{") == (400, "MalformedPolicyDocument")
    assert refused(ram.create_policy, policy_name="x", policy_document=" " * 6145) == (400, "InvalidParameter.PolicyDocument.Length")
    assert refused(ram.get_policy, policy_name="x", policy_type="Mine") == (400, "InvalidParameter.PolicyType")
    system = ram.list_policies(policy_type="System")["Policies"]["Policy"]
    assert "AdministratorAccess" in [listed["PolicyName"] for listed in system]
    assert refused(ram.delete_policy, policy_name="AdministratorAccess") == (404, "EntityNotExist.Policy")


def test_policies_of_users_act_at_once(ready, ram):
    with policy(ram) as name, user(ram) as reader:
        key = new_key(ram, reader)
        attachment = {"policy_name": name, "policy_type": "Custom", "user_name": reader}
        assert refused(Ram(ready, key).get_user, user_name="bob") == (403, "NoPermission")
        ram.attach_policy_to_user(**attachment)
        assert Ram(ready, key).get_user(user_name="bob")["User"]["UserName"] == "bob"
        assert refused(ram.attach_policy_to_user, **attachment) == (409, "EntityAlreadyExists.User.Policy")
        assert [listed["PolicyName"] for listed in ram.list_policies_for_user(user_name=reader)["Policies"]["Policy"]] == [name]
        entities = ram.list_entities_for_policy(policy_name=name, policy_type="Custom")
        assert [listed["UserName"] for listed in entities["Users"]["User"]] == [reader]
        assert (entities["Groups"]["Group"], entities["Roles"]["Role"]) == ([], [])
        assert refused(ram.delete_policy, policy_name=name) == (409, "DeleteConflict.Policy.User")
        ram.detach_policy_from_user(**attachment)
        assert refused(Ram(ready, key).get_user, user_name="bob") == (403, "NoPermission")
        assert refused(ram.detach_policy_from_user, **attachment) == (404, "EntityNotExist.User.Policy")
        missing = {"policy_name": "no-such-policy", "policy_type": "Custom", "user_name": reader}
        assert refused(ram.attach_policy_to_user, **missing) == (404, "EntityNotExist.Policy")


def test_nobody_attaches_to_himself_what_he_may_not(ready, ram):
    with user(ram) as climber:
        own = {"Effect": "Allow", "Action": "ram:*", "Resource": f"acs:ram:*:*:user/{climber}"}
        with policy(ram, json.dumps({"Version": "1", "Statement": [own]})) as name:
            key = new_key(ram, climber)
            ram.attach_policy_to_user(policy_name=name, policy_type="Custom", user_name=climber)
            mine = Ram(ready, key)
            assert mine.get_user(user_name=climber)["User"]["UserName"] == climber
            wanted = {"policy_name": "AdministratorAccess", "policy_type": "System", "user_name": climber}
            assert refused(mine.attach_policy_to_user, **wanted) == (403, "NoPermission")
            ram.detach_policy_from_user(policy_name=name, policy_type="Custom", user_name=climber)


def test_roles(ready, ram):
    with user(ram) as first, user(ram) as second, policy(ram) as readers:
        keys = {name: new_key(ram, name) for name in (first, second)}
        for name in keys:
            ram.attach_policy_to_user(policy_name="AliyunSTSAssumeRoleAccess", policy_type="System", user_name=name)
        with role(ram, trusting(ready.user_arn(first)), description="a test", max_session_duration=7200) as name:
            made = ram.get_role(role_name=name)["Role"]
            assert made["Arn"] == f"acs:ram::{ready.uid}:role/{name}"
            assert (made["Description"], made["MaxSessionDuration"]) == ("a test", 7200)
            assert json.loads(made["AssumeRolePolicyDocument"]) == json.loads(trusting(ready.user_arn(first)))
            listed = [each for each in ram.list_roles(max_items=1000)["Roles"]["Role"] if each["RoleName"] == name]
            assert listed and "AssumeRolePolicyDocument" not in listed[0]
            again = {"role_name": name, "assume_role_policy_document": trusting(ready.user_arn(first))}
            assert refused(ram.create_role, **again) == (409, "EntityAlreadyExists.Role")
            session = assume(ready, keys[first], name)
            assert refused(lambda: assume(ready, keys[second], name)) == (403, "NoPermission")

            # What the role may do, its sessions may.
            attachment = {"policy_name": readers, "policy_type": "Custom", "role_name": name}
            assert refused(Ram(ready, session).get_user, user_name="bob") == (403, "NoPermission")
            ram.attach_policy_to_role(**attachment)
            assert Ram(ready, session).get_user(user_name="bob")["User"]["UserName"] == "bob"
            assert refused(ram.attach_policy_to_role, **attachment) == (409, "EntityAlreadyExists.Role.Policy")
            assert [each["PolicyName"] for each in ram.list_policies_for_role(role_name=name)["Policies"]["Policy"]] == [readers]
            assert refused(ram.delete_role, role_name=name) == (409, "DeleteConflict.Role.Policy")
            ram.detach_policy_from_role(**attachment)
            assert refused(ram.detach_policy_from_role, **attachment) == (404, "EntityNotExist.Role.Policy")

            # Whom it trusts changes at once.
            changed = ram.update_role(
                role_name=name,
                new_assume_role_policy_document=trusting(ready.user_arn(second)),
                new_description="changed",
                new_max_session_duration=3600,
            )["Role"]
            assert (changed["Description"], changed["MaxSessionDuration"]) == ("changed", 3600)
            assert refused(lambda: assume(ready, keys[first], name)) == (403, "NoPermission")
            session = assume(ready, keys[second], name)
            ghost = {"role_name": name, "new_assume_role_policy_document": trusting(ready.user_arn("ghost"))}
            assert refused(ram.update_role, **ghost) == (400, "MalformedPolicyDocument")
        # Its sessions end with it.
        with pytest.raises(AlibabaCloudException):
            Ram(ready, session).get_user(user_name="bob")
    assert refused(ram.get_role, role_name=name) == (404, "EntityNotExist.Role")
    ghost = {"role_name": "x", "assume_role_policy_document": trusting(ready.user_arn("ghost"))}
    assert refused(ram.create_role, **ghost) == (400, "MalformedPolicyDocument")
    assert refused(ram.create_role, role_name="x", assume_role_policy_document="{") == (400, "MalformedPolicyDocument")


def test_who_may_not(ready):
    for name in ("dan", "bob"):
        member = Ram(ready, ready.key(name))
        assert refused(member.list_users) == (403, "NoPermission")
        assert refused(member.create_user, user_name="x") == (403, "NoPermission")
        assert refused(member.list_access_keys) == (403, "NoPermission")


def test_what_is_not_offered_says_so(ram):
    unicorn = utils_models.Params(
        action="CreateUnicorn",
        version="2015-05-01",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    call = {"params": unicorn, "request": utils_models.OpenApiRequest(), "runtime": RuntimeOptions()}
    assert refused(ram.client.call_api, **call) == (404, "InvalidAction.NotFound")
