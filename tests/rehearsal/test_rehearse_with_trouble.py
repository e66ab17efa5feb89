"""A rehearsal on a marketplace that throttles, loses answers and lags tells the story of one that does not.

Ids are drawn anew where the marketplace lost an answer, and the offline editor draws from them: so its strokes, and
what the crowd likes of them, may differ. What people did, what they were paid, and the rules, do not.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Image, ImageId
from pixelpatchwork.domain.patch import assert_kept
from pixelpatchwork.domain.pictures import read_png, sha256_hex
from pixelpatchwork.domain.voting import tally
from tests.support.ppw import here

FAULTS = "throttle=0.03,timeout_after_commit=0.15,late_assignments=30s,approve_lag=1m,seed={seed}"


@pytest.mark.parametrize("seed", [1, 3])
def test_trouble_changes_nothing_of_the_story(tmp_path: Path, seed: int) -> None:
    quiet, troubled = tmp_path / "quiet", tmp_path / "troubled"
    here("rehearse", quiet, "--days", 1, "--workers", 4).well()
    here("rehearse", troubled, "--days", 1, "--workers", 4, "--faults", FAULTS.format(seed=seed)).well()

    assert story(troubled) == story(quiet)


def story(folder: Path) -> dict[str, object]:
    """What people did and what came of it, without ids; pictures and winner are checked against the rules."""
    with closing(open_store(f"sqlite:///{folder / 'study.db'}")) as store:
        images = {image.image_id: image for image in store.images()}
        rounds = store.rounds()
        for image in images.values():
            check_picture(image, images, FolderImages(folder / "images"))
        check_winner(store)
        answers = [answer for one in rounds for answer in store.assignments(one.round_id)]
        return {
            "rounds": [(one.kind, one.state, len(store.hits(one.round_id))) for one in rounds],
            "painted": Counter((one.prompt_text, one.mask_rle, one.creator_id) for one in images.values()),
            "answers": Counter((one.user_id, one.verdict, one.reason, one.settlement) for one in answers),
            "votes": Counter((vote.user_id, images[vote.image_id].prompt_text) for vote in store.votes()),
            "edits": Counter(edit.state for one in rounds for edit in store.edits(one.round_id)),
            "days": [(day.number, day.is_current, day.total_participants) for day in store.days()],
        }


def check_picture(image: Image, images: dict[ImageId, Image], pictures: FolderImages) -> None:
    """Is as it was recorded, and its seed's outside the mask."""
    data = pictures.get(image.s3_path)
    assert sha256_hex(data) == image.sha256
    if image.seed_image_id is not None and image.mask_rle is not None:
        seed = images[image.seed_image_id]
        mask = Mask.from_rle(image.mask_rle, size=(seed.width, seed.height))
        assert_kept(read_png(pictures.get(seed.s3_path)), read_png(data), mask)


def check_winner(store: SqlStore) -> None:
    """Day 1's is the first by its votes."""
    stood = {vote.image_id for vote in store.votes()}
    best = tally([image for image in store.images() if image.image_id in stood], store.votes())[0]
    assert store.days()[0].winner_image_id == best.image_id


def test_faults_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    ran = here("rehearse", tmp_path / "x", "--faults", "throttle=often")

    assert (ran.code, (tmp_path / "x").exists()) == (2, False)
