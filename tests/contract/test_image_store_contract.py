"""What the workflows rely on in every image store."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.adapters.s3_images import S3Images, s3_client
from pixelpatchwork.domain.errors import ImageMissing, ImageStoreError
from pixelpatchwork.domain.ports import ImageStore
from tests.support.s3 import S3Service, fresh_bucket, s3_service


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Service]:
    with s3_service() as service:
        yield service


@pytest.fixture(params=["folder", "s3", "s3 with a public address"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ImageStore]:
    if request.param == "folder":
        yield FolderImages(tmp_path)
        return
    service: S3Service = request.getfixturevalue("s3")
    for name, text in service.environment.items():
        monkeypatch.setenv(name, text)
    client = s3_client(endpoint_url=service.endpoint_url, region=None, max_connections=8)
    public_url = "https://cdn.example.org/study" if "public" in request.param else None
    bucket = fresh_bucket(service.endpoint_url)
    yield S3Images(client, bucket, "a/study", public_url=public_url, presign_seconds=60)
    client.close()


def test_what_was_put_is_what_comes_back(store: ImageStore) -> None:
    assert store.put("raw/1.png", b"\x89PNG\x00\xff", content_type="image/png")

    assert store.get("raw/1.png") == b"\x89PNG\x00\xff"
    assert store.exists("raw/1.png")


def test_a_picture_may_be_empty_or_large(store: ImageStore) -> None:
    large = bytes(range(256)) * 40_000

    assert store.put("empty.png", b"", content_type="image/png")
    assert store.put("large.png", large, content_type="image/png")

    assert store.get("empty.png") == b""
    assert store.get("large.png") == large


def test_a_key_is_written_once(store: ImageStore) -> None:
    assert store.put("raw/1.png", b"first", content_type="image/png")
    assert not store.put("raw/1.png", b"second", content_type="image/png")

    assert store.get("raw/1.png") == b"first"


def test_only_a_replacement_puts_a_picture_in_the_place_of_another(store: ImageStore) -> None:
    for data in (b"first", b"second"):
        store.replace("raw/1.png", data, content_type="image/png")
        assert store.get("raw/1.png") == data
    assert list(store.keys()) == ["raw/1.png"]


def test_of_writers_at_the_same_time_exactly_one_wins(store: ImageStore) -> None:
    pictures = [bytes([number]) * 1_000 for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda data: store.put("one.png", data, content_type="image/png"), pictures))

    assert stored.count(True) == 1
    assert store.get("one.png") == pictures[stored.index(True)]


def test_what_is_missing_is_said_to_be_missing(store: ImageStore) -> None:
    assert not store.exists("raw/none.png")
    with pytest.raises(ImageMissing, match=r"There is no picture raw/none\.png in"):
        store.get("raw/none.png")


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../other", "a/../../b", "a//b", "a/", "a\\b", "a b", "ä", "a/.hidden", "a\n", "%2e"],
)
def test_a_key_that_could_lead_elsewhere_is_refused_by_every_method(store: ImageStore, key: str) -> None:
    with pytest.raises(ImageStoreError, match="cannot be the key"):
        store.put(key, b"x", content_type="image/png")
    for method in (store.get, store.exists, store.url):
        with pytest.raises(ImageStoreError, match="cannot be the key"):
            method(key)


def test_keys_are_listed_by_folder_and_in_their_order(store: ImageStore) -> None:
    for key in ("raw/b", "raw/a", "raw-a.png", "full/1.png", "full/deep/2.png"):
        store.put(key, b"x", content_type="image/png")

    assert list(store.keys("raw/")) == ["raw/a", "raw/b"]
    assert list(store.keys("full/")) == ["full/1.png", "full/deep/2.png"]
    assert sorted(store.keys()) == ["full/1.png", "full/deep/2.png", "raw-a.png", "raw/a", "raw/b"]
    assert list(store.keys("none/")) == []
    with pytest.raises(ImageStoreError, match="cannot be the key"):
        list(store.keys("../"))


def test_every_page_of_keys_is_listed(store: ImageStore) -> None:
    keys = [f"raw/{number:04}" for number in range(1_100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x", content_type="image/png"), keys))

    assert list(store.keys("raw/")) == keys


def test_the_url_names_the_key(store: ImageStore) -> None:
    assert "days/1/seed.png" in store.url("days/1/seed.png")
