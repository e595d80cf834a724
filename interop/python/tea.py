"""The newer Python libraries (`alibabacloud_…`), called by the names of the API."""

import functools
import importlib
import re

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

import calls

PACKAGES = {"ram": "alibabacloud_ram20150501", "ims": "alibabacloud_ims20190815", "sts": "alibabacloud_sts20150401"}


def config(ready, key):
    return Config(
        access_key_id=key.id, access_key_secret=key.secret, security_token=key.token, endpoint=ready.issuer_host, protocol="http"
    )


def snake(name):
    """`BindMFADevice` is `bind_mfadevice`, `GetUserMFAInfo` is `get_user_mfainfo`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def caller(ready, product):
    """`call(key, operation, parameters)`: parameters and answer as the API names them."""
    package = importlib.import_module(f"{PACKAGES[product]}.client")
    models = importlib.import_module(f"{PACKAGES[product]}.models")

    @functools.lru_cache(maxsize=None)
    def client(key):
        return package.Client(config(ready, key))

    def call(key, operation, parameters):
        method = getattr(client(key), snake(operation))
        model = getattr(models, f"{operation}Request", None)
        arguments = [] if model is None else [model().from_map(parameters)]
        try:
            return method(*arguments).body.to_map()
        except AlibabaCloudException as error:
            raise calls.Refused(error.status_code, error.code) from None

    return call
