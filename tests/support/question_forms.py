"""QuestionForm documents for tests, put together from their parts."""

from __future__ import annotations

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
ANSWERS = f"{SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd"


def form(*parts: str) -> str:
    return f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd">{"".join(parts)}</QuestionForm>'


def free_text(inside: str = "") -> str:
    return f"<FreeTextAnswer>{inside}</FreeTextAnswer>"


def selection(
    identifiers: str, *, least: int = 1, most: int = 1, style: str = "", other: bool = False
) -> str:
    """One choice for each letter."""
    choices = "".join(
        f"<Selection><SelectionIdentifier>{one}</SelectionIdentifier><Text>Choice {one}</Text></Selection>"
        for one in identifiers
    )
    suggestion = f"<StyleSuggestion>{style}</StyleSuggestion>" if style else ""
    return (
        f"<SelectionAnswer><MinSelectionCount>{least}</MinSelectionCount>"
        f"<MaxSelectionCount>{most}</MaxSelectionCount>{suggestion}"
        f"<Selections>{choices}{'<OtherSelection/>' if other else ''}</Selections></SelectionAnswer>"
    )


def question(answer: str = "", *, identifier: str = "one", required: bool = False, text: str = "Say.") -> str:
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>"
        f"<DisplayName>About {identifier}</DisplayName><IsRequired>{str(required).lower()}</IsRequired>"
        f"<QuestionContent><Text>{text}</Text></QuestionContent>"
        f"<AnswerSpecification>{answer or free_text()}</AnswerSpecification></Question>"
    )


def external_question(url: str, frame_height: int = 400) -> str:
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{url}</ExternalURL><FrameHeight>{frame_height}</FrameHeight></ExternalQuestion>"
    )
