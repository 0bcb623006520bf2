# SPDX-License-Identifier: Apache-2.0
"""Tests that the IMDS stand-in is faithful to IMDSv2."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from botocore.utils import InstanceMetadataRegionFetcher

from aid.asking import ROLE_PATH, TOKEN, TTL, call, fetch, get, token
from aid.imds import Credentials, Imds

# The protocol.


def test_botocore_gets_credentials(imds: Imds) -> None:
    got = fetch(imds, config={"ec2_metadata_v1_disabled": True})
    document = json.loads(get(imds, ROLE_PATH + "sqs-entropy")[1])
    assert got["role_name"] == "sqs-entropy"
    assert got["access_key"] == document["AccessKeyId"]
    assert got["secret_key"] == document["SecretAccessKey"]
    assert got["token"] == document["Token"]
    assert got["expiry_time"] == document["Expiration"]
    assert imds.keys()[:3] == [
        "PUT /latest/api/token",
        "GET " + ROLE_PATH,
        "GET " + ROLE_PATH + "sqs-entropy",
    ]


def test_botocore_gets_the_region(imds: Imds) -> None:
    fetcher = InstanceMetadataRegionFetcher(base_url=imds.url + "/", env={})
    assert fetcher.retrieve_region() == "eu-west-1"


@pytest.mark.parametrize(
    "ttl", ["", "0", "-1", "21601", "999999", "1.5", "x", " ", "1 2", "+5"]
)
def test_a_token_of_a_wrong_time_to_live_is_refused(imds: Imds, ttl: str) -> None:
    status, headers, _ = call(imds, "PUT", "/latest/api/token", {TTL: ttl})
    assert status == 400
    assert headers["server"] == "EC2ws"


def test_a_token_needs_a_time_to_live(imds: Imds) -> None:
    assert call(imds, "PUT", "/latest/api/token")[0] == 400


@pytest.mark.parametrize("ttl", ["1", "21600"])
def test_a_token_lives_from_a_second_to_six_hours(imds: Imds, ttl: str) -> None:
    status, headers, body = call(imds, "PUT", "/latest/api/token", {TTL: ttl})
    assert status == 200
    assert headers["connection"] == "close"
    assert headers["server"] == "EC2ws"
    assert headers["content-type"] == "text/plain"
    assert headers[TTL.lower()] == ttl
    assert re.fullmatch("[A-Za-z0-9_-]{54}==", body.decode())


def test_a_token_is_refused_behind_a_proxy(imds: Imds) -> None:
    headers = {TTL: "60", "X-Forwarded-For": "10.0.0.1"}
    assert call(imds, "PUT", "/latest/api/token", headers)[0] == 403


def test_a_token_is_only_given_to_a_put(imds: Imds) -> None:
    assert call(imds, "GET", "/latest/api/token")[0] == 405
    assert call(imds, "POST", "/latest/api/token", {TTL: "60"})[0] == 405


def test_every_get_needs_a_token(imds: Imds) -> None:
    for path in ("/", "/latest/meta-data/", ROLE_PATH, "/no/such"):
        assert call(imds, "GET", path)[0] == 401
        status, headers, _ = call(imds, "GET", path, {TOKEN: "x" * 56})
        assert status == 401
        assert headers["content-type"] == "text/html"


def test_a_token_expires(imds: Imds) -> None:
    headers = {TOKEN: token(imds, "1")}
    longer = {TOKEN: token(imds, "300")}
    time.sleep(1.05)
    assert call(imds, "GET", ROLE_PATH, headers)[0] == 401
    assert call(imds, "GET", ROLE_PATH, longer)[0] == 200


def test_a_token_expires_as_time_is_advanced(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.advance(21599)
    assert call(imds, "GET", ROLE_PATH, headers)[0] == 200
    imds.advance(1)
    assert call(imds, "GET", ROLE_PATH, headers)[0] == 401


def test_a_revoked_token_is_refused(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.revoke_tokens()
    assert call(imds, "GET", ROLE_PATH, headers)[0] == 401


def test_a_service_that_is_disabled_answers_403(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    imds.enabled = False
    assert call(imds, "PUT", "/latest/api/token", {TTL: "60"})[0] == 403
    assert call(imds, "GET", ROLE_PATH, headers)[0] == 403
    assert fetch(imds) == {}


def test_an_instance_without_a_role_has_no_credentials(imds: Imds) -> None:
    imds.role = None
    assert get(imds, ROLE_PATH)[0] == 404
    assert get(imds, ROLE_PATH + "sqs-entropy")[0] == 404
    assert fetch(imds) == {}


def test_unknown_paths_are_not_found(imds: Imds) -> None:
    for path in (
        "/latest/meta-data/nothing",
        "/latest/user-data",
        "//latest/meta-data/instance-id",
        "/latest//meta-data/instance-id",
        "/1999-01-01/meta-data/instance-id",
        ROLE_PATH + "other",
    ):
        assert get(imds, path)[0] == 404


def test_a_wrong_method_is_refused(imds: Imds) -> None:
    headers = {TOKEN: token(imds)}
    assert call(imds, "DELETE", ROLE_PATH, headers)[0] == 405


def test_a_head_has_no_body(imds: Imds) -> None:
    status, headers, body = call(imds, "HEAD", ROLE_PATH, {TOKEN: token(imds)})
    assert (status, headers["content-length"], body) == (200, "11", b"")


def test_metadata_are_those_of_an_instance(imds: Imds) -> None:
    assert get(imds, "/latest/meta-data/placement/region") == (200, "eu-west-1")
    status, name = get(imds, "/latest/meta-data/instance-id")
    assert status == 200
    assert re.fullmatch("i-[0-9a-f]{17}", name)
    identity = get(imds, "/latest/dynamic/instance-identity/document")
    assert json.loads(identity[1])["instanceId"] == name
    assert "iam/" in get(imds, "/latest/meta-data/")[1].splitlines()
    assert get(imds, ROLE_PATH) == (200, "sqs-entropy")
    assert "latest" in get(imds, "/")[1].splitlines()


def test_tags_are_listed_and_given(imds: Imds) -> None:
    path = "/latest/meta-data/tags/instance/"
    imds.tags = {"sqs-entropy:queue": "boot", "Name": "a b"}
    assert get(imds, path)[0] == 404
    imds.tags_enabled = True
    assert get(imds, path) == (200, "Name\nsqs-entropy:queue")
    assert get(imds, path + "sqs-entropy:queue") == (200, "boot")
    assert get(imds, path + "sqs-entropy%3Aqueue") == (200, "boot")
    assert get(imds, path + "other")[0] == 404


def test_user_data_come_as_they_are(imds: Imds) -> None:
    imds.user_data = b"\x00#cloud-config\n"
    headers = {TOKEN: token(imds)}
    status, names, body = call(imds, "GET", "/latest/user-data", headers)
    assert (status, body) == (200, imds.user_data)
    assert names["content-type"] == "application/octet-stream"


# Credentials.


def test_the_document_has_the_members_of_the_real_one(imds: Imds) -> None:
    document = json.loads(get(imds, ROLE_PATH + "sqs-entropy")[1])
    assert set(document) == {
        "Code",
        "Type",
        "LastUpdated",
        "AccessKeyId",
        "SecretAccessKey",
        "Token",
        "Expiration",
    }
    assert document["Code"] == "Success"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["Expiration"])
    assert re.fullmatch("ASIA[A-Z2-7]{16}", document["AccessKeyId"])
    assert len(document["SecretAccessKey"]) == 40


def test_credentials_rotate_before_their_end(imds: Imds) -> None:
    first = fetch(imds)["access_key"]
    imds.advance(imds.lifetime - imds.rotate_before - 5)
    assert fetch(imds)["access_key"] == first
    imds.advance(10)
    assert imds.rotate_before >= 300
    assert fetch(imds)["access_key"] != first


def test_credentials_rotate_on_request(imds: Imds) -> None:
    first = fetch(imds)["access_key"]
    assert fetch(imds)["access_key"] == first
    imds.rotate()
    assert fetch(imds)["access_key"] != first


def test_credentials_can_outlive_their_end(imds: Imds) -> None:
    imds.rotation = False
    first = fetch(imds)["access_key"]
    imds.advance(imds.lifetime + 60)
    assert fetch(imds)["access_key"] == first


def test_credentials_can_come_from_elsewhere() -> None:
    given = Credentials("AKIAEXAMPLE", "secret", "token")
    with Imds(issue=lambda: given) as imds:
        assert fetch(imds)["access_key"] == "AKIAEXAMPLE"


def test_an_error_document_can_be_asked_for(imds: Imds) -> None:
    imds.error_code = "AssumeRoleUnauthorizedAccess"
    status, body = get(imds, ROLE_PATH + "sqs-entropy")
    assert status == 200
    assert json.loads(body)["Code"] == "AssumeRoleUnauthorizedAccess"
    assert "SecretAccessKey" not in body
    assert fetch(imds) == {}


def test_the_log_holds_no_secret(imds: Imds, tmp_path: Path) -> None:
    imds.log_file = str(tmp_path / "log")
    value = token(imds)
    headers = {TOKEN: value}
    document = json.loads(call(imds, "GET", ROLE_PATH + "sqs-entropy", headers)[2])
    imds.stop()
    log = Path(imds.log_file).read_text() + repr(imds.records)
    assert "security-credentials" in log
    for secret in (value, document["SecretAccessKey"], document["Token"]):
        assert secret not in log
