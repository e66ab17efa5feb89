"""A message that says `Run: ppw collect` must reach the study that it speaks of."""

import pytest

from pixelpatchwork.cli import COMMANDS
from pixelpatchwork.cli.hints import COMMANDS as HINTED
from pixelpatchwork.cli.hints import config_in, with_config


def test_the_settings_named_on_the_command_line_are_in_every_command_of_a_message() -> None:
    text = "The round is open. Run: ppw collect, then: ppw publish-round"
    assert with_config(text, "my study.yaml") == (
        "The round is open. Run: ppw --config 'my study.yaml' collect, "
        "then: ppw --config 'my study.yaml' publish-round"
    )


def test_without_that_option_a_message_stays_as_it_is() -> None:
    assert with_config("Run: ppw collect", None) == "Run: ppw collect"


def test_other_words_after_the_programs_name_are_left_alone() -> None:
    assert with_config("ppw is a program; ppw runs", "x") == "ppw is a program; ppw runs"


def test_no_command_is_forgotten() -> None:
    assert set(HINTED) == set(COMMANDS)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--config", "a.yaml", "status"], "a.yaml"),
        (["--debug", "--config=a.yaml", "status"], "a.yaml"),
        (["status"], None),
        (["status", "--config", "a.yaml"], None),
        (["--config"], None),
        ([], None),
    ],
)
def test_the_option_is_found_before_the_command_only(argv: list[str], expected: str | None) -> None:
    assert config_in(argv) == expected
