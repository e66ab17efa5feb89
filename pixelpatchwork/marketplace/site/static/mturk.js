// Sends the form of a page that was written for Mechanical Turk to this marketplace. Such pages name an address of
// Amazon's, or none, and leave the rest to a script of Amazon's, which is not loaded here: the functions that it gave
// them are below. A form that leads anywhere else, as to the turkSubmitTo of the frame's address, is left alone.
"use strict";

(() => {
  const PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
  const PATH = "/mturk/externalSubmit";
  const query = new URLSearchParams(window.location.search);
  const assignmentId = query.get("assignmentId") || PREVIEW;
  const submitHost = (query.get("turkSubmitTo") || window.location.origin).replace(/[/]+$/, "");

  // A field may be called "action" or "submit" and then hides the form's own: hence attributes, and the prototype's.
  const attribute = (form, name) => Element.prototype.getAttribute.call(form, name);
  const set = (form, name, value) => Element.prototype.setAttribute.call(form, name, value);

  const waitsForAmazon = (form) => {
    const action = (attribute(form, "action") || "").trim();
    try {
      return action === "" || new URL(action, document.baseURI).pathname === PATH;
    } catch {
      return false;
    }
  };

  const fieldOf = (form) => {
    const known = [...document.getElementsByName("assignmentId")].find((field) => field.form === form);
    if (known) {
      return known;
    }
    const made = Object.assign(document.createElement("input"), { type: "hidden", name: "assignmentId" });
    Element.prototype.append.call(form, made);
    return made;
  };

  const lead = (form) => {
    if (!waitsForAmazon(form)) {
      return;
    }
    set(form, "action", submitHost + PATH);
    set(form, "method", "post");
    const field = fieldOf(form);
    field.value ||= assignmentId;
  };

  // Before any listener of the page's own, which may stop the event.
  window.addEventListener("submit", (event) => lead(event.target), true);
  const submit = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function () {
    lead(this);
    submit.call(this);
  };

  window.turkGetParam = (name, otherwise = "") => query.get(name) ?? otherwise;
  window.turkGetSubmitToHost = () => submitHost;
  window.turkSetAssignmentID = (formId = "mturk_form", buttonId = "submitButton") => {
    const form = document.getElementById(formId) || document.forms.namedItem(formId);
    if (form) {
      lead(form);
    }
    const button = document.getElementById(buttonId);
    if (button && assignmentId === PREVIEW) {
      button.disabled = true;
      button[button.localName === "input" ? "value" : "textContent"] = "Accept the task first";
    }
  };
})();
