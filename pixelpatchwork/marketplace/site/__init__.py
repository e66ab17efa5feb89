"""The workers' site: find a HIT, look at it, accept it, do it in a sandboxed frame, see what it earned.

People use it in a browser, and programs may use it as people do. This is the markup that programs can rely on:

- `/signin` has `form.signin` with the field `name` (and `password`, unless names alone are enough); posting it signs
  in, and up where names alone are enough, and leads to `next` or `/`. `/signup`, `/invite/TOKEN` and `/join/PANEL` have
  the same form with what they ask for. Every form of the site carries a hidden `csrf_token`, and a form is posted
  with all its hidden fields, to its `action`, with the session's cookie.
- `/` lists one `a.hit[href="/hits/ID"]` for each HIT type of which the visitor can still do a HIT, with
  `data-hit-type-id`, `data-reward` (dollars, `0.15`), `data-title` and `data-available`; the link leads to the next
  HIT of that type for this worker. `form.accept-next` beside it accepts that HIT without a preview. The parameters `q`,
  `reward`, `time` (minutes) and `sort` narrow and sort; `a[rel=next]` leads to the next page.
- `/hits/ID` previews the HIT in `iframe.preview` and has `form.accept` (method post). Accepting leads (303) to
  `/assignments/ID`; a refusal is a page with status 403, 404 or 409 and the reason in `.refusal`.
- `/assignments/ID` is the work page: `iframe.work[src]` is the HIT's own document, `form.return` gives it back.
  The document's form posts to its `turkSubmitTo` query parameter + `/mturk/externalSubmit`, as on Mechanical Turk,
  with `assignmentId` and the answer's fields, and needs no cookie. Success is status 200 and `main.submitted`;
  a refusal is 4xx and `main.refused`.
- `/assignments/ID/state` says `{"status": "Accepted"}` (or Submitted, Approved, Rejected, Returned, Abandoned).
- `/assignments/ID/done` thanks, and offers `form.accept-next` while the type has another HIT for this worker.
- `/dashboard` has one `tr.assignment[data-assignment-id][data-status]` for each assignment, newest first.
- `/messages` has one `li.message` for each message, `/qualifications` one `li.held` and `li.offered` for each type.

`iframe.work` shows the HIT in the way of its kind: an HTMLQuestion and a QuestionForm from `/frame/ID`, an
ExternalQuestion from the requester's own server. The first two have an opaque origin (`sandbox` in the frame and in the
Content-Security-Policy), the third is another origin than the site's, so none reaches the site's cookies or pages.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.site.blueprint import SecureWhereTls, Site
from pixelpatchwork.marketplace.site.failures import page_of

__all__ = ["SecureWhereTls", "Site", "page_of"]
