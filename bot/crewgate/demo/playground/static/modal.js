// Modals: the one on top, its form, and what Slack's client checks before sending.

import { render } from "./blocks.js";
import { focusWithin, h, icon, restoreFocus } from "./dom.js";
import { act, all } from "./store.js";

const dialog = document.getElementById("modal");
let shown = null;
let opener = null;

/** The inputs of one view. `kept` holds what was entered before the view changed. */
class Form {
  constructor(kept) {
    this.kept = kept;
    this.fields = [];
  }

  add(field) {
    this.fields.push(field);
  }

  read() {
    return Object.fromEntries(this.fields.map((field) => [field.name, field.read()]));
  }

  get inputs() {
    return this.fields.filter((field) => field.showError);
  }

  /** Show errors by block id and focus the first; false when there are none. */
  showErrors(errors) {
    const wrong = this.inputs.filter((field) => errors[field.block.block_id]);
    for (const field of this.inputs) field.showError(errors[field.block.block_id] ?? "");
    wrong[0]?.control.focus();
    return wrong.length > 0;
  }
}

export function draw() {
  const stack = all("modal/");
  const view = stack.at(-1);
  if (!view) {
    if (shown) close();
    return;
  }
  if (shown?.view.id === view.id && shown.view.hash === view.hash) return;
  if (!dialog.open) opener = document.activeElement?.dataset?.focus ?? null;
  const same = shown?.view.id === view.id;
  const focused = same ? focusWithin(dialog) : null;
  const form = new Form(new Map(same ? Object.entries(shown.form.read()) : []));
  shown = { view, form };
  dialog.replaceChildren(page(view, form, stack.length));
  if (!dialog.open) dialog.showModal();
  if (focused) restoreFocus(dialog, focused);
  if (!dialog.contains(document.activeElement) || !focused) focusFirst(form);
}

function close() {
  shown = null;
  dialog.close();
  dialog.replaceChildren();
  if (opener) document.querySelector(`[data-focus="${CSS.escape(opener)}"]`)?.focus();
  opener = null;
}

function page(view, form, depth) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const submit = view.submit ? h("button", { type: "submit", class: "button primary" }, view.submit) : null;
  const dismiss = h("button", { type: "button", class: "button", onclick: () => leave(view) }, view.close || "Close");
  return h("form", { novalidate: true, onsubmit: (event) => send(event, view, form, problem, submit), onkeydown: keys },
    h("header", {},
      depth > 1 && h("button", { type: "button", class: "icon-button", "aria-label": "Back", onclick: () => leave(view) }, "‹"),
      h("img", { class: "avatar small", src: "/static/gate.svg", alt: "" }),
      h("h2", { id: "modal-title" }, view.title),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close this form", onclick: () => leave(view) }, icon("close"))),
    h("div", { class: "body" }, problem, render(view.blocks, { name: `modal/${view.id}`, surface: { view: view.id }, form })),
    h("footer", {}, dismiss, submit));
}

function focusFirst(form) {
  const wanted = form.inputs.find((field) => field.block.element.focus_on_load) ?? form.inputs[0];
  const control = wanted?.control ?? dialog.querySelector("footer [type=submit], footer .button");
  control?.focus({ preventScroll: !wanted?.block.element.focus_on_load });
  if (control?.setSelectionRange && control.type !== "number") {
    try {
      control.setSelectionRange(control.value.length, control.value.length);
    } catch {
      // Some kinds of inputs have no selection.
    }
  }
}

/** Enter sends from one-line inputs by itself; from a textarea it takes Ctrl or Cmd. */
function keys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.currentTarget.requestSubmit();
  }
}

async function send(event, view, form, problem, submit) {
  event.preventDefault();
  if (!submit || submit.classList.contains("busy")) return;
  problem.hidden = true;
  const wrong = Object.fromEntries(form.inputs.map((field) => [field.block.block_id, field.validate()]));
  if (form.showErrors(wrong)) return;
  submit.classList.add("busy");
  const answer = await act("submit", { view: view.id, entered: form.read() });
  submit.classList.remove("busy");
  if (answer.ok || form.showErrors(answer.errors ?? {})) return;
  problem.textContent = `We had some trouble connecting. Try again? (${answer.problem})`;
  problem.hidden = false;
}

const leave = (view) => act("close", { view: view.id });

dialog.addEventListener("cancel", (event) => {
  // The server closes the view and notifies the bot; the dialog closes on that change.
  event.preventDefault();
  if (shown) leave(shown.view);
});
