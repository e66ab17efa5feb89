"""Participants under pseudonyms: who a worker is in the study, without saying who he is in the world."""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256

from pixelpatchwork.domain.model import User, UserId, WorkerId

_FIRST_WORDS = """
Amber Azure Brave Bright Calm Cedar Clever Coral Copper Dawn Eager Early Ember Fair Fern Frosty
Gentle Golden Happy Hazel Honest Indigo Ivory Jade Jolly Keen Kind Lilac Lively Lunar Maple Merry
Mild Misty Noble Ochre Olive Opal Patient Pearl Plum Quick Quiet Rapid Rosy Rustic Sage Scarlet
Silver Solar Steady Sunny Swift Teal Tidy Violet Warm Wild Willow Wise Witty Woven Young Zesty
"""
_SECOND_WORDS = """
Badger Beaver Bison Bunting Camel Cat Crane Cricket Deer Dolphin Dove Duck Eagle Egret Falcon Finch
Fox Frog Gecko Goose Hare Hawk Heron Horse Ibis Jackdaw Jay Kestrel Kite Koala Lark Lemur Linnet
Lizard Lynx Magpie Marten Mole Moth Newt Orca Otter Owl Panda Petrel Pigeon Plover Puffin Quail
Raven Robin Salmon Seal Shrew Snail Sparrow Stork Swan Tapir Tern Toad Turtle Vole Wren
"""
_FIRST, _SECOND = _FIRST_WORDS.split(), _SECOND_WORDS.split()


def new_user(worker_id: WorkerId, *, pseudonym_key: str, at: datetime) -> User:
    """The user of a worker: always the same for the same key, and without the key not to be traced back.

    The user id is an HMAC-SHA-256 (RFC 2104) of the worker id. The artist name is drawn from it, with four digits
    that keep names apart.
    """
    digest = hmac.new(bytes.fromhex(pseudonym_key), worker_id.encode(), sha256).digest()
    number = int.from_bytes(digest[10:14], "big")
    first, second = _FIRST[digest[8] % len(_FIRST)], _SECOND[digest[9] % len(_SECOND)]
    return User(
        user_id=UserId(f"u-{digest[:8].hex()}"),
        username=f"{first} {second} {number % 10_000:04d}",
        created_at=at,
        is_banned=False,
        worker_id=worker_id,
    )
