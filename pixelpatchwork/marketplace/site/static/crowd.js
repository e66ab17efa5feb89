// Makes crowd-form and the simple crowd-* elements work, for pages that were written with them. All of it is ordinary
// HTML inside the elements, so labels, keyboard and validation are the browser's own. A crowd-form sends one answer,
// taskAnswers, whose text is a JSON array with one object: the fields by their names.
"use strict";

(() => {
  const PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
  const query = new URLSearchParams(window.location.search);
  const PASSED_ON = new Set(["name", "value", "required", "disabled", "placeholder", "maxlength", "minlength", "min", "max", "step", "rows", "pattern", "checked", "type", "autofocus", "readonly"]);
  let made = 0;

  const style = document.createElement("style");
  style.textContent = `
    crowd-form { display: block; font: 16px/1.5 system-ui, sans-serif; }
    crowd-form .crowd-field { display: block; margin: .6rem 0; }
    crowd-form .crowd-field > span { display: block; }
    crowd-form .crowd-line { display: flex; gap: .6rem; align-items: baseline; margin: .35rem 0; min-height: 2rem; }
    crowd-form .crowd-field input:not([type=range]), crowd-form .crowd-field textarea { width: 100%; max-width: 40rem; padding: .5rem .7rem; font: inherit; box-sizing: border-box; }
    crowd-form .crowd-field input[type=range] { width: 100%; max-width: 24rem; vertical-align: middle; }
    crowd-form .crowd-button { padding: .6rem 1.2rem; border: 0; border-radius: 8px; background: #0f6b5c; color: #fff; font: inherit; font-weight: 600; cursor: pointer; }
    crowd-form .crowd-button:disabled { opacity: .5; cursor: default; }
    crowd-instructions, crowd-card, crowd-alert { display: block; margin: .8rem 0; padding: .8rem 1rem; border: 1px solid #bbb; border-radius: 8px; }
    short-instructions, full-instructions, detailed-instructions { display: block; margin: .4rem 0; }
    crowd-modal, crowd-toast { display: none; }`;
  document.head.append(style);

  const copy = (from, to) => {
    for (const { name, value } of from.attributes) {
      if (PASSED_ON.has(name)) {
        to.setAttribute(name, value);
      }
    }
  };

  // The inner field carries the name: what page scripts set on the element reaches it.
  const delegate = (type, names) => {
    for (const name of names) {
      Object.defineProperty(type.prototype, name, {
        get() { return this.field ? this.field[name] : undefined; },
        set(value) { if (this.field) { this.field[name] = value; } },
      });
    }
  };

  class Field extends HTMLElement {
    connectedCallback() {
      if (!this.field) {
        this.build();
      }
    }

    labelled(field, text, isLine) {
      const label = document.createElement("label");
      const words = document.createElement("span");
      label.className = isLine ? "crowd-line" : "crowd-field";
      words.append(...(text === null ? this.childNodes : [text]));
      copy(this, field);
      this.field = field;
      label.append(...(isLine ? [field, words] : [words, field]));
      this.replaceChildren(label);
    }
  }
  delegate(Field, ["value", "checked", "disabled", "required", "name"]);

  const input = (type) => Object.assign(document.createElement("input"), { type });

  class CrowdInput extends Field {
    build() {
      const field = input("text");
      this.labelled(field, this.getAttribute("label") || this.getAttribute("placeholder") || "", false);
      this.field.type = this.getAttribute("type") || "text";
    }
  }

  class CrowdTextArea extends Field {
    build() {
      const field = document.createElement("textarea");
      field.rows = Number(this.getAttribute("rows")) || 3;
      this.labelled(field, this.getAttribute("label") || this.getAttribute("placeholder") || "", false);
      field.value = this.getAttribute("value") || "";
    }
  }

  class CrowdCheckbox extends Field {
    build() {
      this.labelled(input("checkbox"), null, true);
      this.field.type = "checkbox";
    }
  }

  class CrowdRadioGroup extends HTMLElement {
    connectedCallback() {
      this.setAttribute("role", "radiogroup");
    }
  }

  class CrowdRadioButton extends Field {
    build() {
      this.labelled(input("radio"), null, true);
      const group = this.closest("crowd-radio-group");
      if (group) {
        group.dataset.group ||= `crowd-group-${(made += 1)}`;
      }
      // Buttons of a group may have names of their own and still exclude each other.
      this.field.dataset.name = this.getAttribute("name") || group?.getAttribute("name") || "";
      this.field.name = group ? group.dataset.group : this.field.dataset.name;
      this.field.type = "radio";
    }
  }

  class CrowdSlider extends Field {
    build() {
      const field = input("range");
      const shown = document.createElement("output");
      this.labelled(field, this.getAttribute("label") || this.getAttribute("aria-label") || "", false);
      field.type = "range";
      field.min = this.getAttribute("min") || "0";
      field.max = this.getAttribute("max") || "100";
      field.value = this.getAttribute("value") || field.min;
      field.after(" ", shown);
      const show = () => { shown.textContent = field.value; };
      field.addEventListener("input", show);
      show();
    }
  }

  class CrowdButton extends HTMLElement {
    connectedCallback() {
      if (this.button) {
        return;
      }
      this.button = document.createElement("button");
      this.button.className = "crowd-button";
      this.button.type = this.getAttribute("form-action") === "submit" ? "submit" : this.getAttribute("form-action") === "reset" ? "reset" : "button";
      this.button.disabled = this.hasAttribute("disabled");
      this.button.append(...this.childNodes);
      this.replaceChildren(this.button);
    }
  }

  const answerOf = (form) => {
    const answer = {};
    const choose = (name, value, isOn) => { answer[name] = { ...answer[name], [value]: isOn }; };
    for (const field of form.elements) {
      const name = field.dataset.name || field.name;
      if (!name || field.disabled || ["submit", "button", "reset", "file", "image"].includes(field.type)) {
        continue;
      }
      if (field.type === "checkbox" || field.type === "radio") {
        choose(name, field.value, field.checked);
      } else if (field.type === "range") {
        answer[name] = Number(field.value);
      } else if (field.multiple && field.options) {
        answer[name] = [...field.selectedOptions].map((option) => option.value);
      } else {
        answer[name] = field.value;
      }
    }
    return answer;
  };

  const send = (answer) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = `${query.get("turkSubmitTo").replace(/[/]$/, "")}/mturk/externalSubmit`;
    for (const [name, value] of [["assignmentId", query.get("assignmentId")], ["taskAnswers", JSON.stringify([answer])]]) {
      form.append(Object.assign(input("hidden"), { name, value }));
    }
    document.body.append(form);
    form.submit();
  };

  class CrowdForm extends HTMLElement {
    connectedCallback() {
      if (this.form) {
        return;
      }
      this.form = document.createElement("form");
      this.form.append(...this.childNodes);
      this.replaceChildren(this.form);
      customElements.upgrade(this.form);
      if (!this.form.querySelector('crowd-button[form-action="submit"], button:not([type]), button[type="submit"], input[type="submit"]')) {
        const button = document.createElement("crowd-button");
        button.setAttribute("form-action", "submit");
        button.append("Submit");
        this.form.append(button);
      }
      const isPreview = (query.get("assignmentId") || PREVIEW) === PREVIEW;
      if (isPreview) {
        this.form.querySelectorAll('button:not([type="button"])').forEach((button) => { button.disabled = true; });
      }
      this.form.addEventListener("submit", (event) => this.handIn(event, isPreview));
    }

    // Page scripts listen on the element (or set its onsubmit) and may stop the submit or add fields first.
    handIn(event, isPreview) {
      event.preventDefault();
      event.stopPropagation();
      const allowed = this.dispatchEvent(new Event("submit", { cancelable: true, bubbles: true }));
      if (allowed && !isPreview) {
        send(answerOf(this.form));
      }
    }

    submit() {
      this.form.requestSubmit();
    }
  }

  for (const [name, type] of [
    ["crowd-input", CrowdInput],
    ["crowd-text-area", CrowdTextArea],
    ["crowd-checkbox", CrowdCheckbox],
    ["crowd-radio-group", CrowdRadioGroup],
    ["crowd-radio-button", CrowdRadioButton],
    ["crowd-slider", CrowdSlider],
    ["crowd-button", CrowdButton],
    ["crowd-form", CrowdForm],
  ]) {
    customElements.define(name, type);
  }
})();
