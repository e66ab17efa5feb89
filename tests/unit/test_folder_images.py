"""The folder of pictures: what is particular to it beside the contract of every image store."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.domain.errors import ImageMissing, ImageStoreError
from pixelpatchwork.domain.image_keys import LONGEST_KEY, checked_key


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_picture_is_a_plain_file_under_its_key(tmp_path: Path) -> None:
    images = FolderImages(tmp_path / "images")

    images.put("raw/abc.png", b"picture", content_type="image/png")

    assert (tmp_path / "images/raw/abc.png").read_bytes() == b"picture"
    assert files_below(tmp_path) == ["images/raw/abc.png"]


def test_of_many_writers_of_one_key_exactly_one_wins(tmp_path: Path) -> None:
    images = FolderImages(tmp_path)
    pictures = [bytes([number]) * 50_000 for number in range(16)]

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda data: images.put("a/b.png", data, content_type="image/png"), pictures))

    assert stored.count(True) == 1
    assert images.get("a/b.png") == pictures[stored.index(True)]
    assert files_below(tmp_path) == ["a/b.png"]


def test_a_leftover_of_a_crash_is_no_picture(tmp_path: Path) -> None:
    images = FolderImages(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/.0123456789abcdef.part").write_bytes(b"half a pic")

    assert not images.exists("raw/abc.png")
    assert images.put("raw/abc.png", b"picture", content_type="image/png")
    with pytest.raises(ImageStoreError):
        images.get("raw/.0123456789abcdef.part")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    images = FolderImages(tmp_path)
    images.put("raw/abc.png", b"picture", content_type="image/png")

    assert not images.exists("raw")
    with pytest.raises(ImageMissing):
        images.get("raw")
    with pytest.raises(ImageMissing):
        images.get("raw/abc.png/def.png")


def test_a_file_in_the_way_is_named_with_what_to_do(tmp_path: Path) -> None:
    images = FolderImages(tmp_path)
    images.put("raw", b"picture", content_type="image/png")

    with pytest.raises(ImageStoreError, match=r"Cannot keep or read raw/abc\.png .*or set `images`"):
        images.put("raw/abc.png", b"picture", content_type="image/png")


def test_an_overlong_name_is_our_error_not_the_file_systems(tmp_path: Path) -> None:
    with pytest.raises(ImageStoreError, match="too long"):
        FolderImages(tmp_path).put("a" * 300, b"picture", content_type="image/png")


def test_the_check_passes_on_a_new_folder_and_leaves_no_file(tmp_path: Path) -> None:
    FolderImages(tmp_path / "study/images").check()

    assert (tmp_path / "study/images").is_dir()
    assert files_below(tmp_path) == []


def test_the_check_names_a_place_that_cannot_hold_pictures(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file")

    with pytest.raises(ImageStoreError, match="Cannot keep or read a trial file in"):
        FolderImages(tmp_path / "images").check()


@pytest.mark.parametrize("public_url", ["/pictures", "/pictures/", "https://cdn.example.org/study"])
def test_the_url_is_the_key_below_the_public_url(tmp_path: Path, public_url: str) -> None:
    images = FolderImages(tmp_path, public_url=public_url)

    assert images.url("days/1.png") == f"{public_url.rstrip('/')}/days/1.png"


KEY_LIKE = st.text(alphabet="aZ09._-/\\ %\x00é", max_size=12)


@given(key=KEY_LIKE)
@settings(max_examples=300, deadline=None)
@example(key="../secret")
@example(key="/etc/passwd")
@example(key="a\n")
def test_no_accepted_key_leaves_the_root_or_needs_quoting(key: str) -> None:
    try:
        checked_key(key)
    except ImageStoreError:
        return
    assert os.path.normpath(f"/store/{key}") == f"/store/{key}"
    assert key.isascii()
    assert not any(part.startswith(".") for part in key.split("/"))


def test_a_key_has_a_longest_length() -> None:
    assert checked_key("k" * LONGEST_KEY)
    with pytest.raises(ImageStoreError, match="cannot be the key"):
        checked_key("k" * (LONGEST_KEY + 1))
