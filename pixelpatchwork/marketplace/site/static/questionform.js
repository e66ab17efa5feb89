// What HTML itself cannot ask of an answer: formats, numbers, how many boxes are ticked, and the text of "something else".
// The server checks numbers and counts again; formats are checked here alone.
"use strict";

(() => {
  const form = document.getElementById("answer");

  const patternsOf = (field) => {
    const found = [];
    for (let number = 1; field.hasAttribute(`data-pattern-${number}`); number += 1) {
      const read = (name) => field.getAttribute(`data-${name}-${number}`);
      try {
        found.push([new RegExp(read("pattern"), read("flags")), read("error") || "This has not the form that is asked for."]);
      } catch {
        // The requester's expression is none that this browser knows: then it asks for nothing.
      }
    }
    return found;
  };

  const numberFault = (field) => {
    const number = Number(field.value.trim());
    const { least, most } = field.dataset;
    if (!Number.isFinite(number)) {
      return "Write a number.";
    }
    if (least && number < Number(least)) {
      return `The least is ${least}.`;
    }
    return most && number > Number(most) ? `The most is ${most}.` : "";
  };

  const textFault = (field) => {
    if (!field.value.trim()) {
      return field.required && field.value ? "Please answer this question." : "";
    }
    const broken = patternsOf(field).find(([pattern]) => field.value.search(pattern) < 0);
    return broken ? broken[1] : "number" in field.dataset ? numberFault(field) : "";
  };

  const checkCount = (group) => {
    const boxes = [...group.querySelectorAll("input")];
    const count = boxes.filter((box) => box.checked).length;
    const [least, most] = [Number(group.dataset.least), Number(group.dataset.most)];
    const fault = count < least ? `Choose at least ${least}.` : count > most ? `Choose at most ${most}.` : "";
    boxes[0].setCustomValidity(fault);
  };

  const isOther = (field) => {
    const name = field.name.replace(/_other$/, "");
    return [...form.elements].some((one) => one.name === name && one.value === "other" && (one.checked || one.options));
  };

  const check = () => {
    for (const field of form.querySelectorAll("input:not([type]), textarea")) {
      if (field.name.endsWith("_other")) {
        field.required = isOther(field);
      }
      field.setCustomValidity(textFault(field));
    }
    form.querySelectorAll(".choices[data-most]").forEach(checkCount);
  };

  form.addEventListener("input", check);
  form.addEventListener("change", check);
  check();
  document.getElementById("faults")?.focus();
})();
