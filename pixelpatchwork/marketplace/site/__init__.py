"""The workers' site: find a HIT, look at it, accept it, do it in a sandboxed frame, see what it earned.

People use it in a browser, and programs may use it as people do. This is the markup that programs can rely on:

- `/signin` has `form.signin` with the field `name`; posting it signs in (and up, where sign-up is open) and leads
  to `next` or `/`. Every form of the site carries a hidden `csrf_token`, and a form is posted with all its hidden
  fields, to its `action`, with the session's cookie.
- `/` lists one `a.hit[href="/hits/ID"]` for each HIT type of which the visitor can still do a HIT, with
  `data-hit-type-id`, `data-reward` (dollars, `0.15`), `data-title` and `data-available`; the link leads to the next
  HIT of that type for this worker. `form.accept-next` beside it accepts that HIT without a preview.
- `/hits/ID` previews the HIT in `iframe.preview` and has `form.accept` (method post). Accepting leads (303) to
  `/assignments/ID`; a refusal is a page with status 403, 404 or 409 and the reason in `.refusal`.
- `/assignments/ID` is the work page: `iframe.work[src]` is the HIT's own document, `form.return` gives it back.
  The document's form posts to its `turkSubmitTo` query parameter + `/mturk/externalSubmit`, as on Mechanical Turk,
  with `assignmentId` and the answer's fields, and needs no cookie. Success is status 200 and `main.submitted`;
  a refusal is 4xx and `main.refused`.
- `/assignments/ID/state` says `{"status": "Accepted"}` (or Submitted, Approved, Rejected, Returned, Abandoned).
- `/assignments/ID/done` thanks, and offers `form.accept-next` while the type has another HIT for this worker.
- `/dashboard` has one `tr.assignment[data-assignment-id][data-status]` for each assignment, newest first.

The frame's document has an opaque origin (`sandbox` in the frame and in the Content-Security-Policy), so it reaches
neither the site's cookies nor its pages.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.site.blueprint import SecureWhereTls, Site

__all__ = ["SecureWhereTls", "Site"]
