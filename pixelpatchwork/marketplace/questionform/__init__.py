"""QuestionForm: a HIT (or a qualification's test) written in Mechanical Turk's own XML instead of HTML.

`parse_question_form` reads it, the site's template shows it as an accessible form, and `read_answers` turns what the
worker entered into the QuestionFormAnswers document, or into the faults to mend.

Source of the rules: the QuestionForm and QuestionFormAnswers data structures of the Amazon Mechanical Turk API
Reference. What is not offered is refused by name when the HIT is created: FileUploadAnswer, Application and
EmbeddedBinary (they need plug-ins or uploads).
"""

from __future__ import annotations

from pixelpatchwork.marketplace.questionform.answers import Reading, entered, read_answers
from pixelpatchwork.marketplace.questionform.model import QuestionForm
from pixelpatchwork.marketplace.questionform.parse import form_of, parse_question_form

__all__ = ["QuestionForm", "Reading", "entered", "form_of", "parse_question_form", "read_answers"]
