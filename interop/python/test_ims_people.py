"""People by their principal names, through `alibabacloud_ims20190815`: users, login profiles, keys, groups, second factors, settings.

Every test makes users, groups and devices of its own and takes them away again; the settings of the account are put back.
"""

import base64
import hashlib
import hmac
import struct
import time
import uuid

import pytest
from alibabacloud_ims20190815 import models
from alibabacloud_ims20190815.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

import support

MODELS = {name.removesuffix("Request").lower(): getattr(models, name) for name in dir(models) if name.endswith("Request")}
PASSWORD = "Correct-Horse-1"


class Ims:
    """`ims.create_user(user_principal_name=…)` is `CreateUser`; the answer is the body, as the API names it."""

    def __init__(self, ready, key):
        self.client = Client(
            Config(
                access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=ready.issuer_host, protocol="http"
            )
        )

    def __getattr__(self, operation):
        request = MODELS.get(operation.replace("_", ""))

        def call(**fields):
            method = getattr(self.client, operation)
            return (method(request(**fields)) if request else method()).body.to_map()

        return call


def refused(call, **fields):
    with pytest.raises(AlibabaCloudException) as refusal:
        call(**fields)
    return refusal.value.status_code, refusal.value.code


def one_time_code(seed, steps=0):
    """What an authenticator application shows `steps` of half a minute from now (RFC 6238)."""
    key = base64.b32decode(seed + "=" * (-len(seed) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture(scope="module")
def ims(ready):
    support.remember(PASSWORD)
    return Ims(ready, ready.key("alice"))


@pytest.fixture(scope="module")
def domain(ims):
    return ims.get_default_domain()["DefaultDomainName"]


@pytest.fixture
def person(ims, domain):
    """A user of its own, as `CreateUser` answers it."""
    name = f"p{uuid.uuid4().hex[:10]}@{domain}"
    made = ims.create_user(user_principal_name=name, display_name="Somebody", comments="a test")["User"]
    yield made
    ims.delete_user(user_id=made["UserId"])


def test_users(ready, ims, domain, person):
    assert domain.endswith(".onaliyun.com") and person["ProvisionType"] == "Manual"
    by_name = ims.get_user(user_principal_name=person["UserPrincipalName"])["User"]
    by_number = ims.get_user(user_id=person["UserId"])["User"]
    name = by_name["UserName"]
    at_number = ims.get_user(user_principal_name=f"{name}@{ready.uid}.onaliyun.com")["User"]
    assert by_name == by_number == at_number and person["UserPrincipalName"] == f"{name}@{domain}"
    renamed = ims.update_user(user_id=person["UserId"], new_user_principal_name=f"{name}-x@{domain}", new_display_name="Else")["User"]
    assert (renamed["UserPrincipalName"], renamed["DisplayName"]) == (f"{name}-x@{domain}", "Else")
    assert refused(ims.get_user, user_principal_name=f"{name}@{domain}") == (404, "EntityNotExist.User")
    assert refused(ims.get_user, user_principal_name=f"{name}-x@elsewhere.onaliyun.com") == (404, "EntityNotExist.User")
    assert refused(ims.create_user, user_principal_name=f"{name}-x@{domain}", display_name="x") == (409, "EntityAlreadyExists.User")
    listed = ims.list_users()["Users"]["User"]
    assert {"Status": "active", "UserId": person["UserId"]}.items() <= next(u for u in listed if u["UserId"] == person["UserId"]).items()
    infos = ims.list_user_basic_infos(max_items=1000)["UserBasicInfos"]["UserBasicInfo"]
    assert person["UserId"] in [info["UserId"] for info in infos]
    dan = Ims(ready, ready.key("dan"))
    assert refused(dan.get_user, user_id=person["UserId"]) == refused(dan.get_user, user_id="299999999999999999") == (403, "NoPermission")


def test_login_profile_and_keys(ready, ims, person):
    who = {"user_principal_name": person["UserPrincipalName"]}
    made = ims.create_login_profile(**who, password=PASSWORD, status="Inactive")["LoginProfile"]
    assert (made["Status"], made["UserPrincipalName"]) == ("Inactive", person["UserPrincipalName"])
    assert ims.update_login_profile(**who, status="Active")["LoginProfile"]["Status"] == "Active"
    assert ims.get_login_profile(**who)["LoginProfile"]["Status"] == "Active"
    ims.delete_login_profile(**who)
    assert refused(ims.get_login_profile, **who) == (404, "EntityNotExist.User.LoginProfile")

    key = ims.create_access_key(**who)["AccessKey"]
    support.remember(key["AccessKeySecret"])
    key_id = key["AccessKeyId"]
    assert ims.get_user(user_access_key_id=key_id)["User"]["UserId"] == person["UserId"]
    assert ims.get_access_key_last_used(**who, user_access_key_id=key_id)["AccessKeyLastUsed"] == {}
    own = Ims(ready, support.Key(key_id, key["AccessKeySecret"]))
    assert own.get_user_mfainfo()["IsMFAEnable"] is False
    assert "LastUsedDate" in ims.get_access_key_last_used(**who, user_access_key_id=key_id)["AccessKeyLastUsed"]
    ims.update_access_key(**who, user_access_key_id=key_id, status="Inactive")
    assert [k["Status"] for k in ims.list_access_keys(**who)["AccessKeys"]["AccessKey"]] == ["Inactive"]
    assert refused(ims.delete_user, **who) == (409, "DeleteConflict.User.AccessKey")
    ims.delete_access_key(**who, user_access_key_id=key_id)


def test_groups(ims, person):
    who, group = {"user_principal_name": person["UserPrincipalName"]}, {"group_name": f"g{uuid.uuid4().hex[:10]}"}
    made = ims.create_group(**group, display_name=group["group_name"], comments="a test")["Group"]
    assert made["GroupName"] == made["DisplayName"] == group["group_name"]
    ims.add_user_to_group(**who, **group)
    assert [u["UserPrincipalName"] for u in ims.list_users_for_group(**group)["Users"]["User"]] == [person["UserPrincipalName"]]
    assert [g["GroupName"] for g in ims.list_groups_for_user(**who)["Groups"]["Group"]] == [group["group_name"]]
    ims.remove_user_from_group(**who, **group)
    ims.delete_group(**group)
    assert refused(ims.get_group, **group) == (404, "EntityNotExist.Group")


def test_second_factor(ims, person):
    who = {"user_principal_name": person["UserPrincipalName"]}
    device = ims.create_virtual_mfadevice(virtual_mfadevice_name=f"d{uuid.uuid4().hex[:10]}")["VirtualMFADevice"]
    seed, serial = device["Base32StringSeed"], device["SerialNumber"]
    support.remember(seed)
    if time.time() % 30 > 25:
        time.sleep(30 - time.time() % 30)
    codes = {"authentication_code_1": one_time_code(seed), "authentication_code_2": one_time_code(seed, 1)}
    ims.bind_mfadevice(**who, serial_number=serial, **codes)
    info = ims.get_user_mfainfo(**who)
    assert info["IsMFAEnable"] is True and info["MFADevice"] == {"SerialNumber": serial, "Type": "VMFA"}
    assert ims.get_account_summary()["SummaryMap"]["MFADevicesInUse"] >= 1
    assert ims.unbind_mfadevice(**who)["MFADevice"]["SerialNumber"] == serial
    assert ims.get_user_mfainfo(**who)["IsMFAEnable"] is False
    ims.delete_virtual_mfadevice(serial_number=serial)


def test_settings(ims):
    before = ims.get_password_policy()["PasswordPolicy"]
    changed = ims.set_password_policy(initial_password_age=7, hard_expire=True)["PasswordPolicy"]
    assert (changed["InitialPasswordAge"], changed["HardExpire"]) == (7, True)
    ims.set_password_policy(initial_password_age=before["InitialPasswordAge"], hard_expire=before["HardExpire"])
    assert ims.get_password_policy()["PasswordPolicy"] == before
    assert ims.get_security_preference()["SecurityPreference"]["LoginProfilePreference"]["MFAOperationForLogin"] == "independent"
    assert refused(ims.set_security_preference, mfaoperation_for_login="mandatory") == (400, "InvalidParameter.MFAOperationForLogin")
