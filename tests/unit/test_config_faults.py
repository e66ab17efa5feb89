"""Settings that are wrong: every fault at once, no secret in any message, and no file that can do harm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.errors import ConfigurationError
from tests.support.settings import Load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(tmp_path)


# ---- faults ---------------------------------------------------------------------------------------------


def test_all_faults_are_reported_at_once(load: Load) -> None:
    found = load.faults(
        "editor: opnai\nstudi: A\ngeneration:\n  reward_usd: cheap\n  assignments_per_hit: 12\n"
        "  min_coverage: 0.7\n  min_coverage: 0.6\ndatabase: postgres://x/y\nserve: 8000\n",
        {"PPW_TIMEZONE": "Mars/Olympus"},
    )
    assert set(found) == {
        "editor",
        "studi",
        "generation.reward_usd",
        "generation.assignments_per_hit",
        "generation.min_coverage",
        "database",
        "serve",
        "timezone",
    }


def test_a_fault_names_value_place_and_what_would_be_right(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load("study: A\neditor: opnai\n", {"PPW_SERVE__PORT": "99999"})
    assert str(caught.value).splitlines()[1:] == [
        '  editor (study.yaml, line 2): "opnai" is not allowed here; allowed: offline or openai; did you mean openai?',
        '  serve.port (PPW_SERVE__PORT in the environment): "99999" is not allowed here; allowed: a whole number'
        " from 0 to 65535",
    ]


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("studdy: A", "studdy", "study"),
        ("reward_usd: 1", "reward_usd", "generation.reward_usd or voting.reward_usd"),
        ("generation: {reward: 1}", "generation.reward", "generation.reward_usd"),
        ("votng: {reward_usd: 1}", "votng", "voting"),
        ("parallel-calls: 1", "parallel-calls", "parallel_calls"),
    ],
)
def test_an_unknown_key_is_a_fault_with_the_one_that_was_meant(
    load: Load, text: str, key: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{key} .*did you mean {hint}\?"):
        load(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("generation:\n  reward_usd: 0,25", "; did you mean 0.25?"),
        ("generation: {max_coverage: '0,5'}", "; did you mean 0.5?"),
    ],
)
def test_a_decimal_comma_is_told_to_be_a_point(load: Load, text: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert str(caught.value).endswith(hint)


@pytest.mark.parametrize("name", ["PPW_STUDDY", "PPW_GENERATION__REWARD"])
def test_an_unknown_variable_is_a_fault(load: Load, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} in the environment"):
        load("", {name: "1"})


def test_variables_of_other_programs_are_left_alone(load: Load) -> None:
    assert load("", {"HOME": "/", "PPW_TEST_MYSQL_URL": "x", "PPW_CONFIG": "y"}).study


@pytest.mark.parametrize("key", ["folder", "<<", "Generation"])
def test_what_is_no_key_is_refused_whatever_its_name(load: Load, key: str) -> None:
    with pytest.raises(ConfigurationError, match="is no key of the settings"):
        load(f"{key}: {{a: b}}")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("marketplace: mturk-live", "images_url"),
        (
            "marketplace: mturk-sandbox\nimages: s3://bucket\nimages_url: http://pictures.example.org",
            "images_url",
        ),
        ("generation: {min_coverage: 0.5, max_coverage: 0.5}", "generation.min_coverage"),
        (
            "editor: openai\nopenai: {profile: dall-e-2}\ngeneration: {max_prompt: 2000}",
            "generation.max_prompt",
        ),
        ("images: s3://bucket\ns3: {presign_hours: 24}", "generation.lifetime_hours"),
    ],
)
def test_keys_that_contradict_each_other_are_a_fault(load: Load, text: str, key: str) -> None:
    assert key in load.faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "marketplace: mturk-live\nimages: s3://bucket",
        "marketplace: mturk-live\nimages_url: https://pictures.example.org",
        "marketplace: https://patchwork.example.org",
        "images: s3://bucket\nimages_url: https://cdn.example.org\ns3: {presign_hours: 1}",
    ],
)
def test_keys_that_fit_together_are_fine(load: Load, text: str) -> None:
    assert load(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timezone", "Europe"),
        ("timezone", "../../etc/passwd"),
        ("language", "fr-FR"),
        ("marketplace", "sandbox"),
        ("marketplace", "ftp://host"),
        ("marketplace", "http://[::1"),
        ("images_url", "javascript:alert(1)"),
        ("images_url", 'https://host/"><script>'),
        ("images_url", "https://user:hunter2@host"),
        ("images", "s3://"),
        ("images", "s3:///prefix"),
        ("images", "S3://bucket"),
        ("database", "mysql://root@host/db"),
        ("database", "sqlite://"),
        ("generation.reward_usd", "0.255"),
        ("generation.reward_usd", "NaN"),
        ("generation.reward_usd", "1e400000"),
        ("generation.reward_usd", "-1"),
        ("generation.title", "x" * 129),
        ("generation.title", "a\x07b"),
        ("generation.lifetime_hours", "8761"),
        ("generation.max_coverage", "inf"),
        ("voting.ballot_size", "1"),
        ("voting.incumbent", "perhaps"),
        ("parallel_calls", "9" * 5000),
        ("parallel_calls", "sixteen"),
        ("study", " "),
        ("study", "x" * 61),
        ("openai.rates.image_input_usd", "Infinity"),
        ("s3.region", "us_east 1"),
    ],
)
def test_a_value_out_of_bounds_is_a_fault_of_its_key(load: Load, key: str, value: str) -> None:
    variable = "PPW_" + key.upper().replace(".", "__")
    assert "; allowed: " in load.faults("", {variable: value})[key]


# ---- hostile files --------------------------------------------------------------------------------------

BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "alias"),
        ("[" * 100_000, "nested too deeply"),
        ("a: " * 20, "mapping values are not allowed"),
        ("study:\n\tname: x", "line 2"),
        ("- study", "holds no settings"),
        ("just text", "holds no settings"),
        ("study: A\n---\nstudy: B", "line"),
        ("study: 'unfinished", "line"),
        ("study: \xe4".encode("latin-1"), "not UTF-8"),
        ("study: A".encode("utf-16"), "not UTF-8"),
        (b"study: \x00", "characters that are no text"),
        ("x: " + "y" * 300_000, "larger than 256 kB"),
        ("".join(f"k{number}: 1\n" for number in range(1001)), "more than 1000 keys"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_fault(load: Load, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load(text)


@pytest.mark.parametrize(
    "text", ["study: [a, b]", "study: {a: b}", "? [a]\n: b", "!!python/name:os.system : b"]
)
def test_yaml_that_is_no_text_is_a_fault_of_its_key(load: Load, text: str) -> None:
    with pytest.raises(ConfigurationError, match="The settings have 1 fault"):
        load(text)


def test_a_tag_runs_nothing(load: Load) -> None:
    assert load("study: !!python/object/apply:os.getcwd x\nparallel_calls: !!str 3").parallel_calls == 3


def test_a_missing_file_and_a_folder_are_clear_faults(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load_settings(path, {})


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80) | st.text("abc: -[]{}&*!|>'\"%@`#?,\n\t<=0.9", max_size=80))
def test_no_text_breaks_the_reader(load: Load, text: str) -> None:
    try:
        load(text.encode("utf-8", "surrogatepass"))
    except ConfigurationError as error:
        assert str(error)  # noqa: PT017  # either outcome is right; any other error is the failure


# ---- secrets --------------------------------------------------------------------------------------------


def test_a_secret_in_the_file_is_a_fault_that_says_where_it_belongs(load: Load) -> None:
    found = load.faults("openai_api_key: sk-hunter2hunter2\nmarketplace_access_key_id: hunter2\n")
    assert found == {
        "openai_api_key": "is a secret: move it to .env as OPENAI_API_KEY=...",
        "marketplace_access_key_id": "is a secret: move it to .env as PPW_MARKETPLACE_ACCESS_KEY_ID=...",
    }


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "PPW_OPENAI_API_KEY"])
def test_the_openai_key_comes_from_either_variable(load: Load, name: str) -> None:
    for settings, key in ((load("", {name: "sk-1"}), "sk-1"), (load("", dotenv=f"{name}=sk-2"), "sk-2")):
        assert settings.openai_api_key is not None
        assert settings.openai_api_key.get_secret_value() == key


def test_settings_never_show_their_secrets(load: Load) -> None:
    settings = load(
        "database: mysql+pymysql://root:hunter2@host/db",
        {"OPENAI_API_KEY": "hunter2", "PPW_MARKETPLACE_SECRET_ACCESS_KEY": "hunter2"},
    )
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.parametrize("key", ["database", "marketplace_database"])
@pytest.mark.parametrize(
    "address", ["mysql+pymysql://ppw@host", "mysql+pymysql://ppw@host/", "mysql+pymysql://h/?a=b"]
)
def test_a_mysql_address_names_its_database(load: Load, key: str, address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{key}.*no database address"):
        load(f"{key}: {address}")


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("database: mysql://root:hunter2@host/db", {}),
        ("databse: mysql://root:hunter2@host/db", {}),
        ("openai_key: hunter2", {}),
        ("editor: sk-hunter2hunter2", {}),
        ("editor: x", {"OPENAI_API_KEY": "hunter2"}),
        ("openai_api_key: hunter2\n\tstudy: x", {}),
    ],
)
def test_a_fault_never_shows_a_secret(load: Load, text: str, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text, environ)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("key", ["x", "hunter2-hunter2-hunter2-hunter2"])
def test_a_short_secret_key_is_a_fault(load: Load, key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"marketplace_secret_key.*at least 32 characters") as caught:
        load("", {"PPW_MARKETPLACE_SECRET_KEY": key})
    assert "hunter2" not in str(caught.value)


def test_a_secret_key_of_32_characters_will_do(load: Load) -> None:
    settings = load("", {"PPW_MARKETPLACE_SECRET_KEY": "k" * 32})

    assert settings.marketplace_secret_key is not None


def test_a_missing_key_is_asked_for_when_it_is_needed(load: Load) -> None:
    settings = load("marketplace: https://patchwork.example.org")
    with pytest.raises(ConfigurationError, match="PPW_MARKETPLACE_ACCESS_KEY_ID"):
        settings.require_marketplace_keys()
