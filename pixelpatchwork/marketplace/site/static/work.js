// The work page around a HIT's frame: notices that the answer was handed in, or that the time is over.
// The frame has another origin, so all that can be seen of it from here is that it loaded another document.
"use strict";

(() => {
  const main = document.getElementById("main");
  const frame = document.querySelector("iframe.work");
  const base = `/assignments/${main.dataset.assignmentId}`;
  const SLOW_CHECK_MS = 20000;

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

  // The script may start before or after the frame's first load; a look too many does no harm.
  frame.addEventListener("load", look);
  main.addEventListener("timeup", look);
  window.setInterval(look, SLOW_CHECK_MS);
  window.addEventListener("pageshow", (event) => event.persisted && look());
})();
