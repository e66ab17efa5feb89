"""The real Chromium of the machine, headless, driven by selenium. Nothing is ever downloaded."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--touch-events=enabled",
)


@contextmanager
def chromium(*, width: int = 1280, height: int = 1000) -> Iterator[Chrome]:
    """A fresh browser with a profile of its own, closed afterwards. RuntimeError where there is none."""
    binary = _installed("chromium", "chromium-browser", "google-chrome")
    driver_binary = _installed("chromedriver")
    with tempfile.TemporaryDirectory(prefix="ppw-chromium-", ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = binary
        for switch in (*SWITCHES, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(switch)
        driver = Chrome(options=options, service=ChromeService(executable_path=driver_binary))
        try:
            yield driver
        finally:
            driver.quit()


def _installed(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise RuntimeError(
        f"{names[0]} is not installed. On Debian or Ubuntu: apt install chromium chromium-driver"
    )
