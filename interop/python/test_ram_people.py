"""What people sign in with, through `alibabacloud_ram20150501`: login profiles, password policy, preferences, second factors.

Every test makes users and devices of its own and takes them away again; the settings of the account are put back.
"""

import base64
import contextlib
import hashlib
import hmac
import struct
import time
import uuid

import pytest
from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

import support

MODELS = {name.removesuffix("Request").lower(): getattr(models, name) for name in dir(models) if name.endswith("Request")}
PASSWORD = "Correct-Horse-1"
PASSWORDS = [PASSWORD, "Another-Horse-1", "Battery-Staple-2", "Battery-Staple-3", "Battery-Staple-4"]


class Ram:
    """`ram.create_user(user_name=…)` is `CreateUser`; the answer is the body, as the API names it."""

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
    return refusal.value


def code(call, **fields):
    return refused(call, **fields).code


def one_time_code(seed, steps=0):
    """What an authenticator application shows `steps` of half a minute from now (RFC 6238)."""
    key = base64.b32decode(seed + "=" * (-len(seed) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def two_codes(seed):
    """Two codes that follow one another, not so late in their half minute that it is over when they arrive."""
    if time.time() % 30 > 25:
        time.sleep(30 - time.time() % 30)
    return one_time_code(seed), one_time_code(seed, 1)


@pytest.fixture(scope="module")
def ram(ready):
    support.remember(*PASSWORDS)
    return Ram(ready, ready.key("alice"))


@pytest.fixture
def person(ready, ram):
    """A user of its own, with an access key: name, and what that user may call."""
    name = f"person-{uuid.uuid4().hex[:8]}"
    ram.create_user(user_name=name)
    made = ram.create_access_key(user_name=name)["AccessKey"]
    support.remember(made["AccessKeySecret"])
    yield name, Ram(ready, support.Key(made["AccessKeyId"], made["AccessKeySecret"]))
    with contextlib.suppress(AlibabaCloudException):
        ram.unbind_mfadevice(user_name=name)
    with contextlib.suppress(AlibabaCloudException):
        ram.delete_login_profile(user_name=name)
    for key in ram.list_access_keys(user_name=name)["AccessKeys"]["AccessKey"]:
        ram.delete_access_key(user_name=name, user_access_key_id=key["AccessKeyId"])
    ram.delete_user(user_name=name)


@pytest.fixture
def device(ram):
    """A device of its own: serial number and seed."""
    made = ram.create_virtual_mfadevice(virtual_mfadevice_name=f"device-{uuid.uuid4().hex[:8]}")["VirtualMFADevice"]
    support.remember(made["Base32StringSeed"])
    yield made
    with contextlib.suppress(AlibabaCloudException):
        ram.delete_virtual_mfadevice(serial_number=made["SerialNumber"])


@pytest.fixture
def settings_put_back(ram):
    yield
    ram.set_password_policy(
        minimum_password_length=8,
        require_lowercase_characters=False,
        require_uppercase_characters=False,
        require_numbers=False,
        require_symbols=False,
        hard_expiry=False,
        max_password_age=0,
        password_reuse_prevention=0,
        max_login_attemps=5,
    )
    ram.set_security_preference(
        enable_save_mfaticket=False,
        allow_user_to_change_password=True,
        allow_user_to_manage_access_keys=False,
        allow_user_to_manage_mfadevices=True,
        allow_user_to_manage_public_keys=False,
        login_session_duration=6,
        login_network_masks="",
    )


def test_login_profiles(ram, person):
    name, _ = person
    assert code(ram.get_login_profile, user_name=name) == "EntityNotExist.User.LoginProfile"
    assert code(ram.create_login_profile, user_name="nobody-here", password=PASSWORD) == "EntityNotExist.User"
    weak = refused(ram.create_login_profile, user_name=name, password="short")
    assert weak.code == "InvalidParameter.Password.TooWeak" and "at least 8 characters" in weak.message
    made = ram.create_login_profile(user_name=name, password=PASSWORD, password_reset_required=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"], made["MFABindRequired"]) == (name, True, False)
    assert code(ram.create_login_profile, user_name=name, password=PASSWORD) == "EntityAlreadyExists.User.LoginProfile"
    ram.update_login_profile(user_name=name, password="Another-Horse-1", password_reset_required=False, mfabind_required=True)
    shown = ram.get_login_profile(user_name=name)["LoginProfile"]
    assert shown == made | {"PasswordResetRequired": False, "MFABindRequired": True}
    assert code(ram.delete_user, user_name=name) in ("DeleteConflict.User.AccessKey", "DeleteConflict.User.LoginProfile")
    ram.delete_login_profile(user_name=name)
    assert code(ram.delete_login_profile, user_name=name) == "EntityNotExist.User.LoginProfile"


def test_a_user_changes_its_own_password(ready, ram, person, settings_put_back):
    name, own = person
    assert code(own.change_password, old_password="a", new_password=PASSWORD) == "EntityNotExist.User.LoginProfile"
    ram.create_login_profile(user_name=name, password=PASSWORD)
    ram.set_password_policy(password_reuse_prevention=2, require_numbers=True, max_login_attemps=4)
    assert code(own.change_password, old_password="wrong", new_password="Battery-Staple-2") == "InvalidParameter.OldPassword.Incorrect"
    assert code(own.change_password, old_password=PASSWORD, new_password="Battery-Staple") == "InvalidParameter.NewPassword.TooWeak"
    assert code(own.change_password, old_password=PASSWORD, new_password=PASSWORD) == "InvalidParameter.NewPassword.ReusePrevention"
    own.change_password(old_password=PASSWORD, new_password="Battery-Staple-2")
    assert code(own.change_password, old_password="Battery-Staple-2", new_password=PASSWORD) == "InvalidParameter.NewPassword.ReusePrevention"
    own.change_password(old_password="Battery-Staple-2", new_password="Battery-Staple-3")
    for _ in range(4):
        assert code(own.change_password, old_password="guess", new_password="Battery-Staple-4") == "InvalidParameter.OldPassword.Incorrect"
    assert code(own.change_password, old_password="Battery-Staple-3", new_password="Battery-Staple-4") == "Throttling.User"
    root = Ram(ready, ready.key("root"))
    assert code(root.change_password, old_password="a", new_password=PASSWORD) == "NotSupport.Account"


def test_the_sample_passwords_are_those_of_the_ready_file(ready, ram):
    known = ready.all["users"]["dan"]["password"]
    own = Ram(ready, ready.key("dan"))
    own.change_password(old_password=known, new_password=PASSWORD)
    own.change_password(old_password=PASSWORD, new_password=known)
    assert ram.get_login_profile(user_name="dan")["LoginProfile"]["PasswordResetRequired"] is False


def test_password_policy(ram, settings_put_back):
    assert ram.get_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 8
    set_ = ram.set_password_policy(
        minimum_password_length=12, require_symbols=True, max_password_age=90, hard_expiry=True, max_login_attemps=3
    )["PasswordPolicy"]
    assert (set_["MinimumPasswordLength"], set_["RequireSymbols"], set_["HardExpiry"], set_["MaxLoginAttemps"]) == (12, True, True, 3)
    assert ram.get_password_policy()["PasswordPolicy"] == set_
    for field, parameter, bad in [
        ("minimum_password_length", "MinimumPasswordLength", 33),
        ("password_reuse_prevention", "PasswordReusePrevention", 25),
        ("max_login_attemps", "MaxLoginAttemps", 33),
    ]:
        assert code(ram.set_password_policy, **{field: bad}) == f"InvalidParameter.{parameter}"
    assert ram.get_password_policy()["PasswordPolicy"] == set_


def test_security_preference_is_enforced(ready, ram, person, settings_put_back):
    name, own = person
    before = ram.get_security_preference()["SecurityPreference"]
    assert before["LoginProfilePreference"]["AllowUserToChangePassword"] is True
    assert before["AccessKeyPreference"]["AllowUserToManageAccessKeys"] is False
    assert code(own.list_access_keys) == "NoPermission"
    ram.set_security_preference(allow_user_to_manage_access_keys=True, login_network_masks="192.0.2.0/24;2001:db8::/32")
    assert [key["Status"] for key in own.list_access_keys()["AccessKeys"]["AccessKey"]] == ["Active"]
    assert code(own.list_access_keys, user_name="bob") == "NoPermission"
    assert code(ram.set_security_preference, login_network_masks="everywhere") == "InvalidParameter.LoginNetworkMasks"
    assert code(ram.set_security_preference, login_session_duration=25) == "InvalidParameter.LoginSessionDuration"
    ram.create_login_profile(user_name=name, password=PASSWORD)
    ram.set_security_preference(allow_user_to_change_password=False)
    assert code(own.change_password, old_password=PASSWORD, new_password="Battery-Staple-2") == "NoPermission"


def test_second_factors(ram, person, device):
    name, own = person
    serial, seed = device["SerialNumber"], device["Base32StringSeed"]
    assert 40 <= len(seed) <= 64 and base64.b64decode(device["QRCodePNG"]).startswith(b"\x89PNG\r\n")
    bare = serial.rsplit("/", 1)[1]
    assert code(ram.create_virtual_mfadevice, virtual_mfadevice_name=bare.upper()) == "EntityAlreadyExists.VirtualMFADevice"
    assert code(ram.get_user_mfainfo, user_name=name) == "EntityNotExist.User.MFADevice"

    first, second = two_codes(seed)
    bind = dict(serial_number=serial, user_name=name)
    assert code(ram.bind_mfadevice, **bind, authentication_code_1=second, authentication_code_2=first) == "CheckAuthenticationCodeFail"
    assert code(ram.bind_mfadevice, **bind, authentication_code_1="12", authentication_code_2=second) == "InvalidParameter.AuthenticationCode.Format"
    own.bind_mfadevice(**bind, authentication_code_1=first, authentication_code_2=second)
    assert ram.get_user_mfainfo(user_name=name)["MFADevice"] == {"SerialNumber": serial, "Type": "VMFA"}
    assert code(ram.bind_mfadevice, **bind, authentication_code_1=first, authentication_code_2=second) == "EntityAlreadyExists.User.MFADevice"
    listed = {one["SerialNumber"]: one for one in ram.list_virtual_mfadevices()["VirtualMFADevices"]["VirtualMFADevice"]}
    assert listed[serial]["User"]["UserName"] == name and listed[serial]["ActivateDate"]
    assert code(ram.delete_virtual_mfadevice, serial_number=serial) == "DeleteConflict.VirtualMFADevice.User"

    # Who has a second factor does not get rid of it with a key alone.
    refusal = refused(own.unbind_mfadevice, user_name=name)
    assert refusal.code == "NoPermission" and "second factor" in refusal.message
    assert ram.unbind_mfadevice(user_name=name)["MFADevice"] == {"SerialNumber": serial}
    assert code(ram.unbind_mfadevice, user_name=name) == "EntityNotExist.User.MFADevice"
    # The codes were used.
    assert code(ram.bind_mfadevice, **bind, authentication_code_1=first, authentication_code_2=second) == "CheckAuthenticationCodeFail"
    ram.delete_virtual_mfadevice(serial_number=serial)
    assert code(ram.delete_virtual_mfadevice, serial_number=serial) == "EntityNotExist.VirtualMFADevice"


def test_a_user_makes_the_one_device_that_bears_its_name(ram, person):
    name, own = person
    assert code(own.create_virtual_mfadevice, virtual_mfadevice_name="somebody-else") == "NoPermission"
    made = own.create_virtual_mfadevice(virtual_mfadevice_name=name)["VirtualMFADevice"]
    support.remember(made["Base32StringSeed"])
    own.delete_virtual_mfadevice(serial_number=made["SerialNumber"])


def test_carol_has_the_factor_of_the_ready_file(ready, ram):
    carol = Ram(ready, ready.key("carol"))
    assert ready.all["users"]["carol"]["totp_secret"]
    assert ram.get_user_mfainfo(user_name="carol")["MFADevice"]["SerialNumber"] == f"acs:ram::{ready.uid}:mfa/carol"
    assert carol.get_user_mfainfo(user_name="carol")["MFADevice"]["Type"] == "VMFA"
    assert code(carol.unbind_mfadevice, user_name="carol") == "NoPermission"
