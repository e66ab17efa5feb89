"""`ppw serve`: the site and the pictures of a study on a port, and how it begins and ends."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.config import load_settings
from tests.support.ppw import Served, ended, here, ppw, serving, started
from tests.support.studies import copied, new_study, write_seed

KEYS = {
    "PPW_MARKETPLACE_ACCESS_KEY_ID": "AKIDOFTHISTEST",
    "PPW_MARKETPLACE_SECRET_ACCESS_KEY": "a-secret-of-this-test",
}
EARLY = {
    "PPW_SCHEDULE__GENERATION_AT": "00:00",
    "PPW_SCHEDULE__VOTING_AT": "00:00",
    "PPW_SCHEDULE__ADVANCE_AT": "00:00",
}
"""A schedule by which the generation round is due at any hour, and nothing after it today."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = new_study(tmp_path_factory.mktemp("served") / "study")
    here("--config", file, "publish-round").well()
    return file


@pytest.fixture(scope="module")
def served(study: Path) -> Iterator[Served]:
    with serving("--config", study, cwd=study.parent) as running:
        yield running


def answer(url: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body."""
    try:
        with urlopen(Request(url, method=method), timeout=10) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    except HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def seed_key(study: Path) -> str:
    settings = load_settings(study, {})
    store = open_store(settings.database_url)
    try:
        (seed,) = store.images()
        return seed.s3_path
    finally:
        store.close()


def test_the_site_lists_the_round_beside_the_pictures(served: Served, study: Path) -> None:
    status, _, page = answer(f"{served.url}/")
    links = set(re.findall(r'href="(/hits/\w+)"', page.decode()))
    assert status == 200
    assert links

    status, headers, picture = answer(f"{served.url}/pictures/{seed_key(study)}")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert picture == (study.parent / "images" / seed_key(study)).read_bytes()


def test_a_frame_names_a_picture_that_the_same_server_gives(served: Served) -> None:
    page = answer(f"{served.url}/")[2].decode()
    link = re.findall(r'href="(/hits/\w+)"', page)[0]
    preview = answer(f"{served.url}{link}")[2].decode()
    frame = re.findall(r'<iframe[^>]* src="([^"]+)"', preview)[0].replace("&amp;", "&")
    source = re.findall(r'<img id="seed" src="([^"]+)"', answer(f"{served.url}{frame}")[2].decode())[0]
    assert answer(f"{served.url}{source}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/pictures/raw/x", "/pictures/..%2fstudy.yaml", "/pictures/full/..%2f..%2fstudy.db"]
)
def test_nothing_but_pictures_is_given_out(served: Served, path: str) -> None:
    assert answer(served.url + path)[0] == 404


def test_nobody_reaches_the_requesters_api_without_keys(served: Served) -> None:
    request = Request(
        f"{served.url}/",
        data=b"{}",
        headers={
            "X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    with (
        pytest.raises(HTTPError, check=lambda error: error.code in {400, 401, 403}) as caught,
        urlopen(request),
    ):
        pass
    caught.value.close()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_seconds_and_well(study: Path, end: signal.Signals) -> None:
    with serving("--config", study, cwd=study.parent, end=end) as running:
        assert answer(f"{running.url}/signin")[0] == 200
    assert running.ran is not None
    assert (running.ran.code, running.ran.stderr) == (0, "")


def test_a_port_in_use_is_said_with_what_to_do(study: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = ppw("--config", study, "serve", "--port", port, cwd=study.parent)
    assert ran.code == 1
    assert ran.stderr == (
        f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in use."
        " Choose another --host or --port.\n"
    )


def test_an_address_that_is_not_this_machines_is_said_with_what_to_do(study: Path) -> None:
    ran = here("--config", study, "serve", "--host", "192.0.2.1", "--port", 0)
    assert ran.code == 1
    assert "--host" in ran.stderr


def test_with_keys_it_says_where_the_requesters_api_is(study: Path, tmp_path: Path) -> None:
    file = copied(study, tmp_path / "with-keys")
    with serving("--config", file, cwd=tmp_path, environ=KEYS) as running:
        there = KEYS | {"PPW_MARKETPLACE": running.url}
        checks = here("--config", file, "doctor", "--json", environ=there).well().json["checks"]
    (marketplace,) = [check for check in checks if check["part"] == "marketplace"]
    assert marketplace["finding"].startswith(running.url)
    assert running.ran is not None
    assert f"Requester API: {running.url}\n" in running.ran.stdout
    assert "a-secret" not in running.ran.text


def test_a_marketplace_in_another_folder_gets_no_round_whose_pictures_it_cannot_show(
    study: Path, tmp_path: Path
) -> None:
    file = tmp_path / "elsewhere" / "study.yaml"
    here("init", file.parent, "--seed", write_seed(tmp_path / "another.png", (250, 160))).well()
    with serving("--config", study, cwd=tmp_path, environ=KEYS) as running:
        there = KEYS | {"PPW_MARKETPLACE": running.url}
        checks = here("--config", file, "doctor", "--json", environ=there).json["checks"]
        refused = here("--config", file, "publish-round", environ=there)
        by_itself = here("--config", file, "run", "--once", environ=there | EARLY)
        reached = there | {"PPW_IMAGES_URL": "https://pictures.example"}
        assert here("--config", file, "doctor", environ=reached).well()
        assert here("--config", file, "publish-round", "--json", environ=reached).well()
    (failed,) = [check for check in checks if not check["is_well"]]
    assert (failed["part"], refused.code, by_itself.code) == ("pictures", 1, 1)
    for said in (failed["finding"], refused.stderr, by_itself.stderr):
        assert f"{running.url} answers /pictures/{seed_key(file)} with 404." in said
        assert "`images_url`" in said


def test_a_marketplace_that_shares_the_studys_folder_gets_its_round(tmp_path: Path) -> None:
    file = new_study(tmp_path / "shared")
    with serving("--config", file, cwd=tmp_path, environ=KEYS) as running:
        there = KEYS | {"PPW_MARKETPLACE": running.url}
        assert here("--config", file, "doctor", environ=there).well()
        assert here("--config", file, "run", "--once", environ=there | EARLY).well()
        assert (
            here("--config", file, "status", "--json", environ=there).json["next_step"].startswith("collect")
        )


def test_two_servers_may_serve_one_study(study: Path) -> None:
    with (
        serving("--config", study, cwd=study.parent) as one,
        serving("--config", study, cwd=study.parent) as other,
    ):
        assert answer(f"{one.url}/")[0] == answer(f"{other.url}/")[0] == 200
        status = started("--config", study, "status", "--json", cwd=study.parent)
        assert ended(status).well().json["next_command"] == f"ppw --config {study} collect"
