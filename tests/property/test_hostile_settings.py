"""A settings file of whatever content gives settings, or the list of its faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pixelpatchwork import resources
from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.domain.errors import ConfigurationError
from tests.support.hostile import bent, hostile, require_reason

SHIPPED = tuple(path.read_text(encoding="utf-8") for path in sorted(resources.config().glob("*.yaml")))
STRANGE = st.sampled_from(
    [
        "&a ",
        "*a",
        "!!python/object/apply:os.system ['true']",
        "<<: {}",
        "generation: [",
        "generation: {assignments: ",
        "9" * 5_000,
        "1e999",
        ".inf",
        "-1",
        "[" * 3_000,
        "{a: " * 3_000,
        "? ",
        "\t",
        "\x00",
        "\ud800",
        "---\n",
        "...\n",
        "%YAML 9.9\n",
        "2026-13-45",
        "0x" + "f" * 500,
        "s3://",
        "sqlite://",
        "mysql://user:word@host:99999999/",
        "http://[::1",
    ]
)
LINES = st.sampled_from([line for text in SHIPPED for line in text.splitlines(keepends=True)])
pieces = st.one_of(STRANGE, LINES, st.text(max_size=40))
KEYS = st.sampled_from(sorted(Settings.model_fields))
values = st.one_of(STRANGE, st.text(max_size=30), st.integers().map(str), st.floats().map(str))
written = st.lists(st.tuples(KEYS, values), max_size=5).map(
    lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "study.yaml"


@hostile
@given(text=st.one_of(bent(st.sampled_from(SHIPPED), pieces), written, st.text(max_size=300)))
@example(text="a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n")
@example(text="{" * 50_000)
@example(text="study: " + "x" * 5_000_000)
def test_settings_are_read_or_every_fault_is_listed(file: Path, text: str) -> None:
    file.write_bytes(text.encode(errors="surrogatepass"))
    try:
        settings = load_settings(file, {})
    except ConfigurationError as error:
        require_reason(error)
        return
    assert isinstance(settings, Settings)
