"""The object gateway through `alibabacloud-oss-v2`, with both signature versions."""

import datetime

import alibabacloud_oss_v2 as oss
import pytest
import requests

import support


@pytest.fixture(params=["v1", "v4"])
def version(request):
    return request.param


@pytest.fixture
def prefix(version):
    return support.unique_prefix(f"v2-{version}")


@pytest.fixture
def client(ready, issue, version, prefix):
    """A client with a temporary key for one prefix."""
    return opened(ready, issue(prefix), version)


def opened(ready, key, version):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(key.id, key.secret, key.token)
    config.region = ready.region
    config.endpoint = ready.oss
    config.use_path_style = True
    config.signature_version = version
    # Refusals are looked at, not waited for.
    config.retry_max_attempts = 1
    return oss.Client(config)


def refused(call):
    """`(status, code)` that the SDK reports."""
    with pytest.raises(oss.exceptions.OperationError) as caught:
        call()
    error = caught.value.unwrap()
    assert isinstance(error, oss.exceptions.ServiceError), error
    assert error.request_id
    return error.status_code, error.code


def put(client, ready, key, body=b"x", **fields):
    return client.put_object(oss.PutObjectRequest(bucket=ready.bucket, key=key, body=body, **fields))


def get(client, ready, key, **fields):
    return client.get_object(oss.GetObjectRequest(bucket=ready.bucket, key=key, **fields)).body.read()


def test_put_get_head_inside_the_prefix(ready, client, prefix):
    body = b"a picture" * 1000
    stored = put(client, ready, f"{prefix}/cat.jpg", body, content_type="image/jpeg", metadata={"mood": "sleepy"})
    assert stored.status_code == 200 and stored.hash_crc64
    assert get(client, ready, f"{prefix}/cat.jpg") == body
    head = client.head_object(oss.HeadObjectRequest(bucket=ready.bucket, key=f"{prefix}/cat.jpg"))
    assert (head.content_length, head.etag, head.content_type) == (len(body), stored.etag, "image/jpeg")
    assert head.metadata["mood"] == "sleepy"
    assert get(client, ready, f"{prefix}/cat.jpg", range_header="bytes=2-8") == body[2:9]


def test_list_inside_the_prefix(ready, client, prefix):
    names = [f"{prefix}/a", f"{prefix}/b/one", f"{prefix}/b/two", f"{prefix}/ü ü+%"]
    for name in names:
        put(client, ready, name)
    first = client.list_objects(oss.ListObjectsRequest(bucket=ready.bucket, prefix=f"{prefix}/"))
    assert [entry.key for entry in first.contents] == sorted(names)
    folded = client.list_objects_v2(oss.ListObjectsV2Request(bucket=ready.bucket, prefix=f"{prefix}/", delimiter="/"))
    assert [entry.prefix for entry in folded.common_prefixes] == [f"{prefix}/b/"]
    pages = client.list_objects_v2_paginator().iter_page(oss.ListObjectsV2Request(bucket=ready.bucket, prefix=f"{prefix}/", max_keys=3))
    assert [entry.key for page in pages for entry in page.contents] == sorted(names)


def test_keys_are_taken_as_they_are(ready, client, prefix):
    for name in ["with space", "plus+plus", "100%", "star*tilde~", "日本語", "q?x=1&y"]:
        put(client, ready, f"{prefix}/{name}", name.encode())
        assert get(client, ready, f"{prefix}/{name}") == name.encode(), name


def test_signed_urls_inside_the_prefix(ready, client, prefix):
    key = f"{prefix}/by url"
    signed = client.presign(oss.PutObjectRequest(bucket=ready.bucket, key=key), expires=datetime.timedelta(seconds=60))
    assert requests.put(signed.url, data=b"sent by url", headers=signed.signed_headers, timeout=30).status_code == 200
    signed = client.presign(oss.GetObjectRequest(bucket=ready.bucket, key=key), expires=datetime.timedelta(seconds=60))
    answer = requests.get(signed.url, headers=signed.signed_headers, timeout=30)
    assert (answer.status_code, answer.content) == (200, b"sent by url")
    outside = client.presign(oss.GetObjectRequest(bucket=ready.bucket, key="elsewhere/one"))
    assert support.oss_error(requests.get(outside.url, timeout=30))[:2] == (403, "AccessDenied")


def test_refused_outside_the_prefix(ready, client, prefix):
    for call in (
        lambda: put(client, ready, "elsewhere/mine"),
        lambda: get(client, ready, "elsewhere/theirs"),
        lambda: put(client, ready, f"{prefix}x"),
        lambda: client.list_objects_v2(oss.ListObjectsV2Request(bucket=ready.bucket, prefix="elsewhere/")),
        lambda: client.list_objects(oss.ListObjectsRequest(bucket=ready.bucket)),
        lambda: client.delete_object(oss.DeleteObjectRequest(bucket=ready.bucket, key=f"{prefix}/a")),
        lambda: client.head_object(oss.HeadObjectRequest(bucket=ready.bucket, key="elsewhere/theirs")),
    ):
        assert refused(call) == (403, "AccessDenied")
    assert refused(lambda: get(client, ready, f"{prefix}/absent")) == (404, "NoSuchKey")


def test_an_administrator_lists_buckets_and_removes(ready, version, client, prefix):
    put(client, ready, f"{prefix}/a")
    alice = opened(ready, ready.key("alice"), version)
    assert ready.bucket in [entry.name for entry in alice.list_buckets(oss.ListBucketsRequest()).buckets]
    assert alice.delete_object(oss.DeleteObjectRequest(bucket=ready.bucket, key=f"{prefix}/a")).status_code == 204
    assert refused(lambda: get(alice, ready, f"{prefix}/a")) == (404, "NoSuchKey")


def test_temporary_keys_need_their_own_token(ready, issue, version, prefix):
    first, second = issue(prefix), issue(prefix)
    read = lambda key: lambda: get(opened(ready, key, version), ready, f"{prefix}/a")
    assert refused(read(first.replaced(token=support.tampered(first.token)))) == (403, "InvalidSecurityToken")
    assert refused(read(first.replaced(token=second.token))) == (403, "AccessKeyIdAndSecurityTokenNotMatch")
    assert refused(read(first.replaced(token=None))) == (403, "InvalidAccessKeyId")


def test_wrong_secret_and_unknown_key(ready, issue, version, prefix):
    first, bob = issue(prefix), ready.key("bob")
    read = lambda key: lambda: get(opened(ready, key, version), ready, f"{prefix}/a")
    assert refused(read(first.replaced(secret=support.tampered(first.secret)))) == (403, "SignatureDoesNotMatch")
    assert refused(read(bob.replaced(secret=support.tampered(bob.secret)))) == (403, "SignatureDoesNotMatch")
    assert refused(read(bob.replaced(id="LTAI0000000000000unknown"))) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_skewed_clock(ready, client, prefix, seconds):
    with support.shifted_clock(seconds):
        assert refused(lambda: put(client, ready, f"{prefix}/late")) == (403, "RequestTimeTooSkewed")
    assert refused(lambda: get(client, ready, f"{prefix}/late")) == (404, "NoSuchKey")
