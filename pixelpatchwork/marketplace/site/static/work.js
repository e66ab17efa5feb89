// The work page around a HIT's frame: counts the time down and notices that the answer was handed in.
// The frame has an opaque origin, so all that can be seen of it from here is that it loaded another document.
"use strict";

(() => {
  const main = document.getElementById("main");
  const left = document.getElementById("left");
  const alarm = document.getElementById("alarm");
  const frame = document.querySelector("iframe.work");
  const base = `/assignments/${main.dataset.assignmentId}`;
  const deadline = performance.now() + Number(main.dataset.secondsLeft) * 1000;
  const SLOW_CHECK_MS = 20000;
  const WARN_SECONDS = 60;

  const look = async () => {
    try {
      const response = await fetch(`${base}/state`, { headers: { Accept: "application/json" } });
      if (response.ok && (await response.json()).status !== "Accepted") {
        window.location.replace(`${base}/done`);
      }
    } catch {
      // The connection is away for a moment; the next look will tell.
    }
  };

  const two = (number) => String(number).padStart(2, "0");

  const show = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    left.textContent = hours ? `${hours}:${rest}` : rest;
  };

  const tick = () => {
    const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    show(seconds);
    if (seconds <= WARN_SECONDS && alarm.hidden) {
      alarm.hidden = false;
      alarm.textContent = "Less than a minute is left. Hand in what you have.";
    }
    if (seconds === 0) {
      window.clearInterval(clock);
      look();
    }
  };

  const clock = window.setInterval(tick, 1000);
  tick();
  // The script may start before or after the frame's first load; a look too many does no harm.
  frame.addEventListener("load", look);
  window.setInterval(look, SLOW_CHECK_MS);
  window.addEventListener("pageshow", (event) => event.persisted && look());
})();
