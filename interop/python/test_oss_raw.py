"""Requests to the object gateway that no client library would send."""

import socket
import time
import urllib.parse

import pytest
import requests

import support
from support import http_date, oss_error, oss_v1_signature


@pytest.fixture
def prefix():
    return support.unique_prefix("raw")


@pytest.fixture
def key(issue, prefix):
    return issue(prefix)


def url_of(ready, name):
    return f"{ready.oss}/{ready.bucket}/{urllib.parse.quote(name)}"


def signed_headers(ready, key, method, name):
    date = http_date()
    headers = {"x-oss-security-token": key.token} if key.token else {}
    signature = oss_v1_signature(key, method, date, f"/{ready.bucket}/{name}", headers)
    return {**headers, "Date": date, "Authorization": f"OSS {key.id}:{signature}"}


def signed_query(ready, key, method, name, token=True, expires=None):
    expires = expires or str(int(time.time()) + 60)
    resource = f"/{ready.bucket}/{name}" + (f"?security-token={key.token}" if token else "")
    query = {"OSSAccessKeyId": key.id, "Expires": expires, "Signature": oss_v1_signature(key, method, expires, resource)}
    return {**query, "security-token": key.token} if token else query


def test_the_hand_signed_forms_are_right_to_begin_with(ready, key, prefix):
    name = f"{prefix}/a"
    assert requests.put(url_of(ready, name), data=b"x", headers=signed_headers(ready, key, "PUT", name), timeout=30).status_code == 200
    assert requests.get(url_of(ready, name), params=signed_query(ready, key, "GET", name), timeout=30).content == b"x"


def test_a_token_in_header_and_url_at_once(ready, key, prefix):
    name = f"{prefix}/a"
    query, header = signed_query(ready, key, "GET", name), {"x-oss-security-token": key.token}
    both = (400, "InvalidArgument", "0002-00000010")
    assert oss_error(requests.get(url_of(ready, name), params=query, headers=header, timeout=30)) == both
    headers = signed_headers(ready, key, "GET", name)
    assert oss_error(requests.get(url_of(ready, name), params={"security-token": key.token}, headers=headers, timeout=30)) == both


def test_a_url_signature_with_the_token_only_in_the_header(ready, key, prefix):
    name = f"{prefix}/a"
    query = signed_query(ready, key, "GET", name, token=False)
    answer = requests.get(url_of(ready, name), params=query, headers={"x-oss-security-token": key.token}, timeout=30)
    assert oss_error(answer) == (400, "InvalidRequest", "0002-00000005")


def test_a_signature_in_header_and_url_at_once(ready, key, prefix):
    name = f"{prefix}/a"
    headers = {"Authorization": f"OSS {key.id}:{oss_v1_signature(key, 'GET', http_date(), '/')}", "Date": http_date()}
    answer = requests.get(url_of(ready, name), params=signed_query(ready, key, "GET", name), headers=headers, timeout=30)
    assert oss_error(answer) == (400, "InvalidArgument", "0002-00000039")


def test_a_url_past_its_time(ready, key, prefix):
    name = f"{prefix}/a"
    for expires, ec in [("1000000000", "0002-00000069"), ("tomorrow", "0002-00000070")]:
        answer = requests.get(url_of(ready, name), params=signed_query(ready, key, "GET", name, expires=expires), timeout=30)
        assert oss_error(answer) == (403, "AccessDenied", ec)


@pytest.mark.parametrize("authorization", ["OSS", "OSS nonsense", "OSS :", "Basic eDp5", "OSS4-HMAC-SHA256 Credential=x,Signature=y", "OSS4-HMAC-SHA256 " + "y" * 4000])
def test_malformed_authorization_headers(ready, authorization):
    answer = requests.get(url_of(ready, "a"), headers={"Authorization": authorization, "Date": http_date()}, timeout=30)
    status, code, _ = oss_error(answer)
    assert 400 <= status < 500 and code, (status, code)


def test_unsigned_requests(ready):
    for method, name in [("GET", "a"), ("PUT", "a"), ("DELETE", "a")]:
        assert oss_error(requests.request(method, url_of(ready, name), timeout=30))[:2] == (403, "AccessDenied")
    assert oss_error(requests.get(ready.oss + "/", timeout=30))[:2] == (403, "AccessDenied")


def test_a_truncated_upload_stores_nothing(ready, key, prefix):
    name = f"{prefix}/truncated"
    headers = signed_headers(ready, key, "PUT", name)
    where = urllib.parse.urlsplit(ready.oss)
    lines = [f"PUT /{ready.bucket}/{name} HTTP/1.1", f"Host: {where.netloc}", "Content-Length: 1000"]
    lines += [f"{field}: {value}" for field, value in headers.items()]
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + b"x" * 10)
    answer = requests.get(url_of(ready, name), headers=signed_headers(ready, key, "GET", name), timeout=30)
    assert oss_error(answer)[:2] == (404, "NoSuchKey")


@pytest.mark.parametrize("path", ["/photos/%00", "/photos/a%zz", "/photos/%ff%fe", "/%2e%2e/photos", "//photos", "/photos/" + "k" * 1024])
def test_odd_paths_are_answered_as_errors(ready, path):
    where = urllib.parse.urlsplit(ready.oss)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status = int(answer.split(b" ", 2)[1])
    assert 400 <= status < 500, answer[:200]


def test_oversized_headers_are_answered_as_errors(ready):
    try:
        answer = requests.get(url_of(ready, "a"), headers={"x-oss-meta-large": "x" * 1_000_000}, timeout=30)
        assert 400 <= answer.status_code < 500
    except requests.exceptions.ConnectionError:
        # A server need not read to its end what it will not take; then a client may not see the answer.
        pass
    assert oss_error(requests.get(url_of(ready, "a"), timeout=30))[:2] == (403, "AccessDenied")
