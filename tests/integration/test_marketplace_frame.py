"""The HIT's own document in its frame, and the submit that comes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from pixelpatchwork.marketplace.site.frame import MAX_SUBMIT_BYTES
from tests.support.marketplace import PAGE, Bench, bench, html_question


@pytest.fixture
def market() -> Iterator[Bench]:
    with bench() as found:
        yield found


def test_the_frame_gets_the_four_parameters_of_mechanical_turk(market: Bench) -> None:
    ann = market.worker("Ann")
    hit_id = market.hit()
    assignment_id = ann.accept(hit_id)

    query = ann.frame(assignment_id)

    assert query.keys() == {"assignmentId", "hitId", "workerId", "turkSubmitTo"}
    assert (query["assignmentId"], query["hitId"], query["workerId"]) == (
        assignment_id,
        hit_id,
        ann.worker_id,
    )
    assert query["turkSubmitTo"].startswith("http://localhost/s/")


def test_behind_tls_the_frame_submits_over_tls(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())

    page = ann.browser.get(f"/assignments/{assignment_id}", base_url="https://localhost")

    assert "turkSubmitTo=https%3A%2F%2Flocalhost%2Fs%2F" in page.text


def test_pages_load_pictures_from_the_workers_own_machine_only_where_the_site_is_on_it(
    market: Bench,
) -> None:
    hit_id = market.hit(Question=html_question(PAGE))
    answers = [
        market.app.test_client().get(f"/frame/{hit_id}", base_url=url)
        for url in ("http://127.0.0.1:8080", "https://market.example")
    ]
    here, away = (answer.headers["Content-Security-Policy"] for answer in answers)

    assert "blob: http://127.0.0.1:* http://localhost:*;" in here
    assert "127.0.0.1" not in away
    assert "localhost" not in away


def test_a_document_that_knows_where_to_submit_is_served_as_it_was_published_and_sandboxed(
    market: Bench,
) -> None:
    knowing = PAGE.replace("</form>", "</form><script>/* sets its action to turkSubmitTo */</script>")
    hit_id = market.hit(Question=html_question(knowing))
    response = market.app.test_client().get(f"/frame/{hit_id}")

    policy = response.headers["Content-Security-Policy"]
    assert response.text == knowing
    assert policy.startswith("sandbox allow-scripts allow-forms; default-src 'none';")
    assert (
        "img-src 'self' http://localhost https: data: blob: http://127.0.0.1:* http://localhost:*;" in policy
    )
    assert "allow-same-origin" not in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_fixed_height_is_kept_and_zero_fits_the_window(market: Bench) -> None:
    ann = market.worker("Ann")
    fixed = ann.accept(market.hit(Question=html_question(frame_height=450)))
    fitting = ann.accept(market.hit())

    fixed_frame = ann.page(f"/assignments/{fixed}").select_one("iframe.work")
    fitting_frame = ann.page(f"/assignments/{fitting}").select_one("iframe.work")

    assert (fixed_frame["height"], fixed_frame["class"]) == ("450", ["work"])
    assert fitting_frame["class"] == ["work", "fit"]


def test_an_answer_needs_no_cookie_and_gets_a_page_that_fits_the_frame(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())

    response = ann.post_answer(assignment_id, {"prompt": "kite"})

    assert response.status_code == 200
    assert '<main class="submitted">' in response.text
    assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in response.headers


def test_a_multipart_form_is_an_answer_too(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id := market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"

    market.app.test_client().post(
        path, data={"assignmentId": assignment_id, "prompt": "kite"}, content_type="multipart/form-data"
    )

    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    assert "<FreeText>kite</FreeText>" in assignment["Answer"]


def test_a_preview_cannot_be_submitted(market: Bench) -> None:
    response = market.app.test_client().post(
        "/mturk/externalSubmit", data={"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "prompt": "kite"}
    )

    assert (response.status_code, "This is a preview" in response.text) == (400, True)


def test_a_form_without_an_answer_or_without_its_exact_field_is_refused(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"
    anonymous = market.app.test_client()

    wrong_case = anonymous.post(path, data={"assignmentid": assignment_id, "prompt": "kite"})
    no_answer = anonymous.post(path, data={"assignmentId": assignment_id, "hitId": "x"})

    assert (wrong_case.status_code, "written exactly so" in wrong_case.text) == (400, True)
    assert (no_answer.status_code, "there is no answer" in no_answer.text) == (400, True)


def test_a_signature_opens_only_its_own_assignment(market: Bench) -> None:
    hit_id = market.hit()
    ann, ben = market.worker("Ann"), market.worker("Ben")
    anns, bens = ann.accept(hit_id), ben.accept(hit_id)
    anonymous = market.app.test_client()
    data = {"assignmentId": bens, "prompt": "forged"}

    refused = [
        anonymous.post(f"{ann.frame(anns)['turkSubmitTo']}/mturk/externalSubmit", data=data),
        anonymous.post("/s/0000/mturk/externalSubmit", data=data),
        anonymous.post("/s/é/mturk/externalSubmit", data=data),
        anonymous.post("/mturk/externalSubmit", data=data),
    ]

    assert [response.status_code for response in refused] == [403] * 4
    assert market.get(hit_id)["NumberOfAssignmentsPending"] == 2


def test_a_second_submit_is_refused_and_changes_nothing(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id := market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"
    anonymous = market.app.test_client()
    anonymous.post(path, data={"assignmentId": assignment_id, "prompt": "first"})

    again = anonymous.post(path, data={"assignmentId": assignment_id, "prompt": "second"})

    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    assert (again.status_code, "already handed in" in again.text) == (409, True)
    assert "first" in assignment["Answer"]


def test_a_returned_assignment_cannot_be_submitted(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"
    ann.send(f"/assignments/{assignment_id}", "form.return")

    late = market.app.test_client().post(path, data={"assignmentId": assignment_id, "prompt": "kite"})

    assert (late.status_code, "You have returned this task" in late.text) == (409, True)


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_an_answer_of_two_mebibytes_is_too_large_and_one_of_one_is_not(market: Bench, encoding: str) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"

    def post(size: int) -> tuple[int, str]:
        fields = {"assignmentId": assignment_id, "mask": "x" * size}
        body = multipart(fields) if "boundary" in encoding else urlencode(fields)
        response = market.app.test_client().post(path, data=body.encode(), content_type=encoding)
        return response.status_code, response.text

    status, text = post(MAX_SUBMIT_BYTES)

    assert (status, "too large" in text) == (413, True)
    assert post(MAX_SUBMIT_BYTES // 2)[0] == 200


def multipart(fields: dict[str, str]) -> str:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join(parts) + "--b--\r\n"


def test_a_worker_who_types_anything_at_all_never_breaks_the_submit(market: Bench) -> None:
    ann = market.worker("Ann")
    assignment_id = ann.accept(hit_id := market.hit())
    path = ann.frame(assignment_id)["turkSubmitTo"] + "/mturk/externalSubmit"

    raw = b"assignmentId=" + assignment_id.encode() + b"&prompt=%00%ff%ed%a0%80%F0%9F%98%80<b>&%00name=1&=x"
    response = market.app.test_client().post(path, data=raw, content_type="application/x-www-form-urlencoded")

    (assignment,) = market.client.list_assignments_for_hit(HITId=hit_id)["Assignments"]
    assert response.status_code == 200
    assert "&#128512;&lt;b&gt;" in assignment["Answer"]
