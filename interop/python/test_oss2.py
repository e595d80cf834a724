"""The object gateway through `oss2`, with both signature versions."""

import io

import oss2
import pytest
import requests

import support

VERSIONS = [oss2.AUTH_VERSION_1, oss2.AUTH_VERSION_4]


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def prefix(version):
    return support.unique_prefix(f"oss2-{version}")


@pytest.fixture
def bucket(ready, issue, version, prefix):
    """The bucket, seen with a temporary key for one prefix."""
    return opened(ready, issue(prefix), version)


def opened(ready, key, version, endpoint=None, **options):
    auth = oss2.StsAuth(key.id, key.secret, key.token, auth_version=version) if key.token else oss2.make_auth(key.id, key.secret, version)
    return oss2.Bucket(auth, endpoint or ready.oss, ready.bucket, region=ready.region, **options)


def refused(call):
    """`(status, code)` that the SDK reports."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    assert caught.value.request_id
    return caught.value.status, caught.value.code


def test_put_get_head_inside_the_prefix(bucket, prefix):
    body = b"a picture" * 1000
    put = bucket.put_object(f"{prefix}/cat.jpg", body, headers={"Content-Type": "image/jpeg", "x-oss-meta-mood": "sleepy"})
    assert put.status == 200 and put.etag and put.crc is not None
    got = bucket.get_object(f"{prefix}/cat.jpg")
    assert got.read() == body
    assert got.headers["content-type"] == "image/jpeg"
    head = bucket.head_object(f"{prefix}/cat.jpg")
    assert head.content_length == len(body) and head.etag == put.etag
    assert head.headers["x-oss-meta-mood"] == "sleepy"
    assert bucket.get_object(f"{prefix}/cat.jpg", byte_range=(2, 8)).read() == body[2:9]


def test_a_stream_of_unknown_length_and_an_empty_object(bucket, prefix):
    bucket.put_object(f"{prefix}/stream", (b"x" * 1000 for _ in range(100)))
    assert bucket.head_object(f"{prefix}/stream").content_length == 100_000
    bucket.put_object(f"{prefix}/empty", b"")
    assert bucket.get_object(f"{prefix}/empty").read() == b""


def test_list_inside_the_prefix(bucket, prefix):
    names = [f"{prefix}/a", f"{prefix}/b/one", f"{prefix}/b/two", f"{prefix}/ü ü+%"]
    for name in names:
        bucket.put_object(name, b"x")
    assert [entry.key for entry in bucket.list_objects(prefix=f"{prefix}/").object_list] == sorted(names)
    folded = bucket.list_objects(prefix=f"{prefix}/", delimiter="/")
    assert folded.prefix_list == [f"{prefix}/b/"]
    paged = [entry.key for entry in oss2.ObjectIterator(bucket, prefix=f"{prefix}/", max_keys=1)]
    assert paged == sorted(names)
    second = [entry.key for entry in oss2.ObjectIteratorV2(bucket, prefix=f"{prefix}/", max_keys=3)]
    assert second == sorted(names)


def test_keys_are_taken_as_they_are(bucket, prefix):
    for name in ["plain", "with space", "plus+plus", "100%", "%2e%2e", "star*tilde~", "日本語", "a//b", "q?x=1&y", "semi;colon", "tail/"]:
        bucket.put_object(f"{prefix}/{name}", name.encode())
        assert bucket.get_object(f"{prefix}/{name}").read() == name.encode(), name


def test_path_tricks_in_keys_reach_nothing_else(bucket, prefix):
    bucket.put_object(f"{prefix}/secret", b"inside")
    for trick in ["x/../secret", "./secret", "../other/secret", "a/%2e%2e/secret"]:
        try:
            bucket.put_object(f"{prefix}/{trick}", b"trick")
            assert bucket.get_object(f"{prefix}/{trick}").read() == b"trick", trick
        except oss2.exceptions.ServerError as error:
            assert 400 <= error.status < 500, trick
        assert bucket.get_object(f"{prefix}/secret").read() == b"inside", trick


def test_a_key_may_be_1023_bytes_long_and_no_longer(bucket, prefix):
    longest = f"{prefix}/".ljust(1023, "k")
    bucket.put_object(longest, b"x")
    assert bucket.get_object(longest).read() == b"x"
    assert refused(lambda: bucket.put_object(longest + "k", b"x")) == (400, "InvalidObjectName")


def test_signed_urls_inside_the_prefix(bucket, prefix):
    url = bucket.sign_url("PUT", f"{prefix}/by url", 60, slash_safe=True)
    assert requests.put(url, data=b"sent by url", timeout=30).status_code == 200
    url = bucket.sign_url("GET", f"{prefix}/by url", 60)
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.content) == (200, b"sent by url")
    url = bucket.sign_url("GET", f"{prefix}/by url", 60, params={"response-content-type": "text/x-test"})
    assert requests.get(url, timeout=30).headers["content-type"] == "text/x-test"


def test_signed_urls_hold_only_for_what_was_signed(bucket, prefix):
    bucket.put_object(f"{prefix}/one", b"1")
    url = bucket.sign_url("GET", f"{prefix}/one", 60, slash_safe=True)
    assert support.oss_error(requests.put(url, data=b"2", timeout=30))[:2] == (403, "SignatureDoesNotMatch")
    assert support.oss_error(requests.get(url.replace("/one", "/two"), timeout=30))[:2] == (403, "SignatureDoesNotMatch")
    outside = bucket.sign_url("GET", "elsewhere/one", 60, slash_safe=True)
    assert support.oss_error(requests.get(outside, timeout=30))[:2] == (403, "AccessDenied")
    with support.shifted_clock(-7200):
        old = bucket.sign_url("GET", f"{prefix}/one", 60, slash_safe=True)
    assert support.oss_error(requests.get(old, timeout=30))[:2] == (403, "AccessDenied")


def test_refused_outside_the_prefix(ready, issue, version, bucket, prefix):
    other = support.unique_prefix("elsewhere")
    opened(ready, issue(other), version).put_object(f"{other}/theirs", b"x")
    for call in (
        lambda: bucket.put_object(f"{other}/mine", b"x"),
        lambda: bucket.get_object(f"{other}/theirs"),
        lambda: bucket.get_object(f"{other}/absent"),
        lambda: bucket.put_object(f"{prefix}x", b"x"),
        lambda: bucket.list_objects(prefix=f"{other}/"),
        lambda: bucket.list_objects(),
        lambda: bucket.list_objects_v2(prefix=""),
        lambda: bucket.delete_object(f"{prefix}/anything"),
        lambda: bucket.get_bucket_info(),
    ):
        assert refused(call) == (403, "AccessDenied")
    # HEAD has no body: the SDK reads the reason from a header.
    assert refused(lambda: bucket.head_object(f"{other}/theirs")) == (403, "AccessDenied")
    assert refused(lambda: bucket.get_object(f"{prefix}/absent")) == (404, "NoSuchKey")


def test_without_a_session_policy_the_role_decides(ready, issue, version, prefix):
    bucket = opened(ready, issue(), version)
    bucket.put_object(f"{prefix}/a", b"x")
    assert bucket.get_object(f"{prefix}/a").read() == b"x"
    assert bucket.list_objects(prefix="", max_keys=1).object_list
    service = oss2.Service(bucket.auth, ready.oss, region=ready.region)
    assert refused(service.list_buckets) == (403, "AccessDenied")


def test_the_app_servers_own_key_opens_nothing(ready, version):
    bucket = opened(ready, ready.key("appserver"), version)
    assert refused(lambda: bucket.put_object("anything", b"x")) == (403, "AccessDenied")


def test_an_administrator_sees_and_removes(ready, version, bucket, prefix):
    bucket.put_object(f"{prefix}/a", b"x")
    mine = opened(ready, ready.key("alice"), version)
    assert ready.bucket in [entry.name for entry in oss2.Service(mine.auth, ready.oss, region=ready.region).list_buckets().buckets]
    assert mine.get_bucket_info().name == ready.bucket
    assert mine.delete_object(f"{prefix}/a").status == 204
    assert refused(lambda: mine.get_object(f"{prefix}/a")) == (404, "NoSuchKey")


def test_buckets_come_and_go(ready, version):
    alice = ready.key("alice")
    name = support.unique_prefix(f"interop-{version}")
    bucket = oss2.Bucket(oss2.make_auth(alice.id, alice.secret, version), ready.oss, name, region=ready.region)
    bucket.create_bucket()
    bucket.put_object("only", b"x")
    assert refused(bucket.delete_bucket) == (409, "BucketNotEmpty")
    bucket.delete_object("only")
    bucket.delete_bucket()
    assert refused(lambda: bucket.get_object("only")) == (404, "NoSuchBucket")


def test_by_name_in_path_style(ready, issue, version, prefix):
    bucket = opened(ready, issue(prefix), version, endpoint=ready.oss_named, is_path_style=True)
    bucket.put_object(f"{prefix}/named", b"x")
    assert bucket.get_object(f"{prefix}/named").read() == b"x"


def test_temporary_keys_need_their_own_token(ready, issue, version, prefix):
    first, second = issue(prefix), issue(prefix)
    read = lambda key: lambda: opened(ready, key, version).get_object(f"{prefix}/a")
    assert refused(read(first.replaced(token=support.tampered(first.token)))) == (403, "InvalidSecurityToken")
    assert refused(read(first.replaced(token="no token at all"))) == (403, "InvalidSecurityToken")
    assert refused(read(first.replaced(token=second.token))) == (403, "AccessKeyIdAndSecurityTokenNotMatch")
    assert refused(read(ready.key("bob").replaced(token=first.token))) == (403, "AccessKeyIdAndSecurityTokenNotMatch")
    assert refused(read(first.replaced(token=None))) == (403, "InvalidAccessKeyId")


def test_wrong_secret_and_unknown_key(ready, issue, version, prefix):
    first = issue(prefix)
    read = lambda key: lambda: opened(ready, key, version).get_object(f"{prefix}/a")
    assert refused(read(first.replaced(secret=support.tampered(first.secret)))) == (403, "SignatureDoesNotMatch")
    bob = ready.key("bob")
    assert refused(read(bob.replaced(secret=support.tampered(bob.secret)))) == (403, "SignatureDoesNotMatch")
    assert refused(read(bob.replaced(id="LTAI0000000000000unknown"))) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_skewed_clock(bucket, prefix, seconds):
    with support.shifted_clock(seconds):
        assert refused(lambda: bucket.put_object(f"{prefix}/late", b"x")) == (403, "RequestTimeTooSkewed")
    assert refused(lambda: bucket.get_object(f"{prefix}/late")) == (404, "NoSuchKey")


def test_a_clock_a_few_minutes_off_is_tolerated(bucket, prefix):
    for seconds in (-600, 600):
        with support.shifted_clock(seconds):
            bucket.put_object(f"{prefix}/soon", b"x")


def test_a_wrong_digest_stores_nothing(bucket, prefix):
    wrong = {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    assert refused(lambda: bucket.put_object(f"{prefix}/broken", b"not empty", headers=wrong)) == (400, "InvalidDigest")
    assert refused(lambda: bucket.get_object(f"{prefix}/broken")) == (404, "NoSuchKey")


def test_a_larger_object_arrives_whole(bucket, prefix):
    block = bytes(range(256)) * 4096
    bucket.put_object(f"{prefix}/large", io.BytesIO(block * 8))
    got = bucket.get_object(f"{prefix}/large")
    assert got.read() == block * 8
    assert got.client_crc == got.server_crc
