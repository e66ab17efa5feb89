// Counts down to the deadline in main[data-seconds-left], and says in time that it is near. Nothing is sent or lost here:
// at the end the page tells "timeup" and whoever listens decides.
"use strict";

(() => {
  const main = document.getElementById("main");
  const left = document.getElementById("left");
  const alarm = document.getElementById("alarm");
  if (!left) {
    return;
  }
  const total = Number(main.dataset.secondsLeft);
  const deadline = performance.now() + total * 1000;
  const WARNINGS = [
    [300, "Five minutes are left."],
    [60, "Less than a minute is left. Hand in what you have."],
  ];
  let said = Infinity;

  const two = (number) => String(number).padStart(2, "0");

  const show = (seconds) => {
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    left.textContent = hours ? `${hours}:${rest}` : rest;
  };

  const warn = (limit, text) => {
    said = limit;
    alarm.hidden = false;
    alarm.textContent = text;
  };

  const tick = () => {
    const seconds = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    show(seconds);
    const due = WARNINGS.filter(([limit]) => seconds <= limit && limit < said && (limit < total || limit === 60)).pop();
    if (due) {
      warn(...due);
    }
    if (seconds === 0) {
      window.clearInterval(clock);
      warn(0, "The time is over.");
      main.dispatchEvent(new Event("timeup"));
    }
  };

  const clock = window.setInterval(tick, 1000);
  tick();
})();
