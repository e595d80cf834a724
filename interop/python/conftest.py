"""Fixtures of all Python suites."""

import pytest

import support


@pytest.fixture(scope="session")
def ready():
    return support.load_ready()


@pytest.fixture(scope="session")
def issue(ready):
    """Asks for a temporary key as `appserver`, with a session policy for one prefix (or none)."""
    from alibabacloud_sts20150401 import models
    from alibabacloud_sts20150401.client import Client
    from alibabacloud_tea_openapi.models import Config

    key = ready.key("appserver")
    client = Client(Config(access_key_id=key.id, access_key_secret=key.secret, endpoint=ready.issuer_host, protocol="http"))

    def issue(prefix=None, **fields):
        if prefix is not None:
            fields["policy"] = support.session_policy(ready.bucket, prefix)
        request = models.AssumeRoleRequest(role_arn=ready.role_arn, role_session_name="interop", duration_seconds=900, **fields)
        given = client.assume_role(request).body.credentials
        return support.temporary_key(given.access_key_id, given.access_key_secret, given.security_token, given.expiration)

    return issue
