"""A person at a HIT page in the browser, for tests: what he can do there, and what can be read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from selenium.webdriver.common.actions import interaction
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.hit_host import HitHost


@dataclass
class Worker:
    """A person at a page: what he can do there, and what can be read off it."""

    driver: Any  # a Chrome; selenium types only half of its methods
    host: HitHost

    def open(self, name: str, **query: Any) -> Worker:
        self.host.answers.clear()
        self.host.answered.clear()
        self.driver.switch_to.default_content()
        self.driver.get(self.host.frame_url(name, **query))
        self.driver.switch_to.frame("hit")
        return self

    def find(self, element_id: str) -> Any:
        return self.driver.find_element(By.ID, element_id)

    def click(self, element_id: str) -> None:
        self.find(element_id).click()

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    @property
    def canvas(self) -> Any:
        return self.find("canvas")

    @property
    def why(self) -> str:
        return str(self.find("why").text)

    def drag(
        self, start: tuple[int, int], end: tuple[int, int], *, kind: str = interaction.POINTER_MOUSE
    ) -> None:
        """Strokes from one point to another, in CSS pixels from the canvas's middle."""
        device = PointerInput(kind, kind)  # type: ignore[no-untyped-call]  # selenium
        builder = ActionBuilder(self.driver, mouse=device, duration=20)
        pointer: Any = builder.pointer_action
        pointer.move_to(self.canvas, *start)
        pointer.pointer_down()
        pointer.move_to(self.canvas, *end)
        pointer.pointer_up()
        builder.perform()

    def seen(self) -> npt.NDArray[np.bool_]:
        """Which pixels of the canvas show paint, of shape (height, width)."""
        script = """
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const painted = [];
            for (let i = 3; i < data.length; i += 4) if (data[i]) painted.push((i - 3) / 4);
            return [canvas.width, canvas.height, painted];
        """
        width, height, painted = self.run(script)
        pixels = np.zeros(width * height, bool)
        pixels[painted] = True
        return pixels.reshape(height, width)

    def agree_and_write(self, prompt: str = "a red boat") -> None:
        self.click("consent")
        self.find("prompt").send_keys(prompt)

    def send(self) -> dict[str, str]:
        self.click("send")
        assert self.host.answered.wait(10)
        WebDriverWait(self.driver, 10).until(lambda driver: driver.find_elements(By.ID, "thanks"))
        return self.host.answers[-1]
