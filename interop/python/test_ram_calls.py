"""The table of RAM calls, through both generations of the Python library and through our own command line.

`alibabacloud_ram20150501` signs with ACS3-HMAC-SHA256, `aliyun-python-sdk-ram` with the older signature of parameters.
"""

import importlib
import json
import re

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.auth.credentials import StsTokenCredential

import calls
import ours
import tea

RAM = calls.Table("ram")


def legacy(ready):
    """One call of `aliyun-python-sdk-ram`."""
    host, port = ready.issuer_host.split(":")

    def call(key, operation, parameters):
        credential = {"credential": StsTokenCredential(key.id, key.secret, key.token)} if key.token else {"ak": key.id, "secret": key.secret}
        client = AcsClient(**credential, region_id="cn-hangzhou", port=int(port), auto_retry=False)
        module = importlib.import_module(f"aliyunsdkram.request.v20150501.{operation}Request")
        request = getattr(module, f"{operation}Request")()
        request.set_endpoint(host)
        request.set_protocol_type("http")
        for name, value in parameters.items():
            setter = getattr(request, f"set_{name}", None)
            if setter is None:
                # Newer than the library: what its users do.
                request.add_query_param(name, value if isinstance(value, str) else json.dumps(value))
            else:
                setter(value)
        try:
            return json.loads(client.do_action_with_exception(request))
        except ServerException as error:
            raise calls.Refused(error.get_http_status(), error.get_error_code()) from None

    return call


LIBRARIES = {"tea": lambda ready: tea.caller(ready, "ram"), "legacy": legacy, "ours": lambda ready: ours.caller(ready, "ram")}


@pytest.mark.parametrize("scenario", RAM.scenarios, ids=lambda scenario: re.sub(r"\W+", "-", scenario["about"]))
@pytest.mark.parametrize("library", LIBRARIES)
def test_calls(ready, library, scenario):
    calls.Play(ready, RAM, scenario, LIBRARIES[library](ready)).run()


def test_the_claims(ready):
    """What the reference page says is offered was called above; what it says is not answers that it is not there."""
    assert RAM.operations() == calls.claims(RAM.version)
    calls.not_there(ready, RAM)
