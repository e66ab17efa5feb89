"""What can go wrong, in words that say what to do next. The command line turns each into one line and an exit code."""

from __future__ import annotations

from pixelpatchwork.domain.model import HitId, Token


class PatchworkError(Exception):
    """Something failed, and the message says what to do about it (exit code 1)."""


class ConfigurationError(PatchworkError):
    """The settings are wrong; the message lists every fault (exit code 2)."""


class NothingToDo(PatchworkError):  # noqa: N818  # a state of the study, not a fault
    """There is nothing to do yet; the message says what comes first (exit code 3)."""


class BudgetExceeded(PatchworkError):  # noqa: N818  # a bound that the requester has set
    """A budget of the settings has no room for this; the message says which, and nothing was begun."""


# ---- the crowd ------------------------------------------------------------------------------------------


class CrowdError(PatchworkError):
    """The marketplace refused a call or could not be reached."""


class HitExists(CrowdError):  # noqa: N818  # an outcome the publisher expects
    """This request token has been used within the last 24 hours: the HIT is already there.

    Attributes:
        token: the UniqueRequestToken that was sent.
        hit_id: the HIT that the marketplace names in its answer, or None where it names none.
    """

    def __init__(self, token: Token, hit_id: HitId | None) -> None:
        super().__init__(f"a HIT with the request token {token[:12]}... exists already")
        self.token = token
        self.hit_id = hit_id


class DecidedElsewhere(CrowdError):  # noqa: N818
    """An assignment cannot be approved for good: it was rejected by hand, or it is gone. The message says which."""


class HitGone(CrowdError):  # noqa: N818
    """The marketplace has no such HIT any more: nothing more comes from it."""


class InsufficientFunds(CrowdError):  # noqa: N818
    """The prepaid balance does not cover this call."""


class PageTooLarge(PatchworkError):  # noqa: N818
    """A HIT's page is larger than a marketplace takes (65,535 bytes)."""


# ---- pictures -------------------------------------------------------------------------------------------


class SeedError(PatchworkError):
    """A file cannot be the seed: it is no image, too large, or animated."""


class ImageStoreError(PatchworkError):
    """The image store refused a call or could not be reached."""


class ImageMissing(ImageStoreError):  # noqa: N818
    """There is no picture under this key."""


class MaskError(ValueError):
    """This text is no mask of the picture's size; the message says why, in words a worker understands."""


class KeptPixelsChanged(PatchworkError):  # noqa: N818
    """A composite differs from its seed outside the mask: a defect of ours, and nothing was stored."""


# ---- the editor -----------------------------------------------------------------------------------------


class EditorError(PatchworkError):
    """An edit did not succeed. The subclasses say what that means for this edit and for the queue."""


class EditRefused(EditorError):  # noqa: N818
    """The service will never paint this prompt (moderation). Final for this edit; the worker is still paid."""


class EditRejected(EditorError):  # noqa: N818
    """The service found our request malformed: a defect of ours. Final for this edit; its input is kept."""


class EditorStopped(EditorError):  # noqa: N818
    """No edit can succeed until the requester mends something (key, credit, model): stop the queue."""


class NoRoomForEdit(EditorStopped):
    """A budget has no room for the edit at this moment. It may have, once others have cost less than they might."""


class EditorBusy(EditorError):  # noqa: N818
    """Throttled or unreachable, and the retries are used up. The edit did not happen; try again later."""


class EditOutcomeUnknown(EditorError):  # noqa: N818
    """The picture is lost, but may have been made and billed.

    The connection broke after the request had gone out, the service failed at it twice, or sent a link in its place.
    """


# ---- the store ------------------------------------------------------------------------------------------


class StoreError(PatchworkError):
    """The database refused a call or could not be reached."""


class RecordsTooOld(PatchworkError):  # noqa: N818  # a state of the records, not a fault
    """The marketplace has rounds that a database restored from a backup has forgotten."""


class LeaseLost(StoreError):  # noqa: N818
    """Another collector has taken over this edit: whoever held it before must not go on with it."""


class AlreadyRecorded(StoreError):  # noqa: N818
    """A unique key says that this has been recorded before (by an earlier run, or by another process)."""
