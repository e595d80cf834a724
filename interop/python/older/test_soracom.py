"""The operator API through `soracom-api`, a generated client: three ways to sign in, users, roles, the operator."""

import json
import time
import uuid

import pyotp
import pytest
import soracom_api
from soracom_api.api.auth_api import AuthApi
from soracom_api.api.operator_api import OperatorApi
from soracom_api.api.role_api import RoleApi
from soracom_api.api.user_api import UserApi
from soracom_api.model.attach_role_request import AttachRoleRequest
from soracom_api.model.auth_request import AuthRequest
from soracom_api.model.create_or_update_role_request import CreateOrUpdateRoleRequest
from soracom_api.model.create_user_password_request import CreateUserPasswordRequest
from soracom_api.model.create_user_request import CreateUserRequest
from soracom_api.model.mfa_authentication_request import MFAAuthenticationRequest
from soracom_api.model.set_user_permission_request import SetUserPermissionRequest
from soracom_api.model.update_user_request import UpdateUserRequest

import support


def one_time_code(seed, steps=0):
    return pyotp.TOTP(seed).at(int(time.time()) + 30 * steps)


def document(*api, effect="allow"):
    return json.dumps({"statements": [{"effect": effect, "api": list(api)}]})


@pytest.fixture(scope="module")
def operator(ready):
    return ready.all["account"]["operator_id"]


@pytest.fixture
def sign_in(ready):
    """`sign_in(email=…, password=…)`: the client of the session, and what was answered."""
    base = soracom_api.Configuration(host=f"{ready.issuer}/v1")

    def sign_in(**members):
        told = AuthApi(soracom_api.ApiClient(base)).auth(AuthRequest(**members))
        support.remember(told.api_key, told.token)
        # As they stand: a copy of a configuration shares its keys with the first.
        own = soracom_api.Configuration(host=f"{ready.issuer}/v1")
        own.api_key["api_key"], own.api_key["api_token"] = told.api_key, told.token
        return soracom_api.ApiClient(own), told

    return sign_in


@pytest.fixture
def owner(ready, sign_in):
    root = ready.all["root"]
    return sign_in(auth_key_id=root["auth_key_id"], auth_key=root["auth_key"])[0]


@pytest.fixture
def person(operator, owner):
    """A user of this test, with a password: name and password."""
    name, password = f"interop-{uuid.uuid4().hex[:8]}", f"Horse-{uuid.uuid4().hex}"
    support.remember(password)
    users = UserApi(owner)
    users.create_user(operator, name, CreateUserRequest(description="of a client"))
    users.create_user_password(operator, name, CreateUserPasswordRequest(password=password))
    yield name, password
    users.delete_user(operator, name)


def refused(call, *arguments, **named):
    """`(status, code)` of a call that has to be refused."""
    with pytest.raises(soracom_api.ApiException) as caught:
        call(*arguments, **named)
    return caught.value.status, json.loads(caught.value.body)["code"]


def test_signs_in_each_way(ready, operator, sign_in):
    root, alice = ready.all["root"], ready.all["users"]["alice"]
    for members, name in (
        ({"email": root["login"], "password": root["password"]}, None),
        ({"operator_id": operator, "user_name": "alice", "password": alice["password"]}, "alice"),
        ({"auth_key_id": alice["auth_key_id"], "auth_key": alice["auth_key"], "token_timeout_seconds": 180}, "alice"),
    ):
        client, told = sign_in(**members)
        assert (told.operator_id, told.get("user_name")) == (operator, name)
        assert OperatorApi(client).get_operator(operator).email == root["login"]
    assert refused(sign_in, email=root["login"], password="wrong") == (401, "AUM0002")
    assert refused(sign_in, auth_key_id=alice["auth_key_id"], auth_key="secret-wrong") == (401, "AUM0002")
    assert refused(sign_in) == (401, "TGT0101")


def test_operator(operator, owner):
    api = OperatorApi(owner)
    shown = api.get_operator(operator)
    assert (shown.operator_id, shown.root_operator_id) == (operator, operator)
    made = api.generate_operator_auth_key(operator)
    support.remember(made.auth_key)
    assert made.auth_key_id in [key.auth_key_id for key in api.list_operator_auth_keys(operator)]
    api.delete_operator_auth_key(operator, made.auth_key_id)
    assert refused(api.delete_operator_auth_key, operator, made.auth_key_id) == (404, "TGT0401")
    assert refused(api.get_operator, "OP9999999999") == (403, "TGT0201")


def test_users(operator, owner, person, sign_in):
    name, password = person
    users = UserApi(owner)
    assert name in [user.user_name for user in users.list_users(operator)]
    users.update_user(operator, name, UpdateUserRequest(description="another"))
    shown = users.get_user(operator, name)
    assert (shown.description, shown.has_password) == ("another", True)
    assert users.has_user_password(operator, name).has_password
    login = {"operator_id": operator, "user_name": name, "password": password}
    client, _ = sign_in(**login)
    assert refused(UserApi(client).list_users, operator) == (403, "AUM0017")
    users.update_user_permission(operator, name, SetUserPermissionRequest(permission=document("User:list*")))
    assert json.loads(users.get_user_permission(operator, name).permission)["statements"][0]["api"] == ["User:list*"]
    # A session keeps what it was issued with; the next one has it.
    assert refused(UserApi(client).list_users, operator) == (403, "AUM0017")
    assert UserApi(sign_in(**login)[0]).list_users(operator)
    made = users.generate_user_auth_key(operator, name)
    support.remember(made.auth_key)
    assert [key.auth_key_id for key in users.list_user_auth_keys(operator, name)] == [made.auth_key_id]
    assert sign_in(auth_key_id=made.auth_key_id, auth_key=made.auth_key)[1].user_name == name
    users.delete_user_auth_key(operator, name, made.auth_key_id)
    assert refused(sign_in, auth_key_id=made.auth_key_id, auth_key=made.auth_key) == (401, "AUM0002")


def test_roles(operator, owner, person, sign_in):
    name, password = person
    roles, role = RoleApi(owner), f"role-{uuid.uuid4().hex[:8]}"
    assert roles.create_role(operator, role, CreateOrUpdateRoleRequest(document("Role:*"), description="roles")).role_id == role
    roles.attach_role(operator, name, AttachRoleRequest(role_id=role))
    assert [found.role_id for found in roles.list_user_roles(operator, name)] == [role]
    assert [user.user_name for user in roles.list_role_attached_users(operator, role)] == [name]
    client, _ = sign_in(operator_id=operator, user_name=name, password=password)
    assert role in [found.role_id for found in RoleApi(client).list_roles(operator)]
    roles.update_role(operator, role, CreateOrUpdateRoleRequest(document("Role:*", effect="deny")))
    assert json.loads(roles.get_role(operator, role).permission)["statements"][0]["effect"] == "deny"
    client, _ = sign_in(operator_id=operator, user_name=name, password=password)
    assert refused(RoleApi(client).list_roles, operator) == (403, "AUM0017")
    roles.detach_role(operator, name, role)
    roles.delete_role(operator, role)
    assert refused(roles.get_role, operator, role) == (404, "TGT0401")


def test_one_code_is_enough_for_two_sessions_of_a_step(operator, owner, person, sign_in):
    name, password = person
    users = UserApi(owner)
    seed = users.enable_user_mfa(operator, name).totp_uri.split("secret=")[1].split("&")[0]
    support.remember(seed)
    login = {"operator_id": operator, "user_name": name, "password": password}
    users.verify_user_mfa(operator, name, MFAAuthenticationRequest(mfa_otp_code=one_time_code(seed)))
    assert users.get_user_mfa_status(operator, name).status == "ACTIVE"
    assert refused(sign_in, **login) == (401, "AUM0063")
    # The code of the next step is good already, and was not used to confirm the device.
    code = one_time_code(seed, 1)
    first, second = sign_in(**login, mfa_otp_code=code)[1], sign_in(**login, mfa_otp_code=code)[1]
    assert (first.api_key, first.token) == (second.api_key, second.token)
    assert refused(sign_in, **login, mfa_otp_code="000000")[1] == "TGT0102"
    users.revoke_user_mfa(operator, name)
    assert sign_in(**login)[1].user_name == name
