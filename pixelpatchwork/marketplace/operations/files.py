"""File upload: an answer of workers that the API retired in 2017, and that no HIT of this marketplace can ask for."""

from __future__ import annotations

from typing import Any

from pixelpatchwork.marketplace.errors import RequestError
from pixelpatchwork.marketplace.operations.bounds import check_bounds
from pixelpatchwork.marketplace.operations.registry import Call, operation
from pixelpatchwork.marketplace.records import own_assignment


@operation("GetFileUploadURL", writes=False)
def get_file_upload_url(call: Call) -> dict[str, Any]:
    """Always refused: there is no file. An assignment that does not exist is told first."""
    check_bounds(call.request)
    own_assignment(call.moment, call.requester_id, call.request["AssignmentId"])
    raise RequestError(
        "OperationNotSupported",
        "No question of this marketplace takes a file (FileUploadAnswer was retired). "
        "Let the HIT's page upload to storage of your own, and answer with its address.",
    )
