// Interactive elements: buttons, menus, inputs. Every value an input has is read here.

import { h, icon, toast } from "./dom.js";
import { act, get } from "./store.js";

const key = (context, element) => `${context.block.block_id}/${element.action_id}`;
const focusName = (context, element) => `${context.name}/${key(context, element)}`;

/** Tell the bot that an element was used; shows what goes wrong where it went wrong. */
async function use(node, element, context, chosen) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  node.classList.add("busy");
  node.parentElement?.querySelector(".failed")?.remove();
  const answer = await act("use", {
    surface: context.surface,
    block_id: context.block.block_id,
    action_id: element.action_id,
    chosen,
    entered: context.form?.read() ?? {},
  });
  node.classList.remove("busy");
  if (!answer.ok) {
    node.after(h("span", { class: "failed", title: answer.problem, role: "alert" }, "⚠️"));
    toast(`That did not work: ${answer.problem}.`);
  }
}

/** Show the confirmation dialog; resolves to whether it was confirmed. */
function confirmed(confirm) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const yes = h("button", { type: "submit", value: "yes", class: `button ${confirm.style ?? "primary"}` }, confirm.confirm.text);
    dialog.replaceChildren(
      h("form", { method: "dialog" },
        h("h2", { id: "confirm-title" }, confirm.title.text),
        h("div", { class: "text", html: confirm.text.html }),
        h("footer", {}, h("button", { type: "submit", value: "", class: "button" }, confirm.deny.text), yes)),
    );
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    yes.focus();
  });
}

function button(element, context) {
  const node = h("button", {
    type: "button",
    class: `button ${element.style ?? ""}`,
    html: element.text.html,
    "aria-label": element.accessibility_label,
    data: { focus: focusName(context, element) },
  });
  node.addEventListener("click", () => {
    if (node.classList.contains("busy")) return;
    if (/^https?:/i.test(element.url ?? "")) open(element.url, "_blank", "noopener");
    use(node, element, context);
  });
  return node;
}

let menus = 0;

function overflow(element, context) {
  const id = `menu-${(menus += 1)}`;
  const opener = h("button", {
    type: "button", class: "button overflow", popovertarget: id, "aria-haspopup": "menu",
    "aria-label": "More actions", data: { focus: focusName(context, element) },
  }, icon("more"));
  const items = element.options.map((option) =>
    h("button", { type: "button", role: "menuitem", html: option.text.html, onclick: () => {
      menu.hidePopover();
      if (/^https?:/i.test(option.url ?? "")) open(option.url, "_blank", "noopener");
      use(opener, element, context, option.value ?? option.text.text);
    } }, option.description && h("small", { html: option.description.html })));
  const menu = h("div", { id, popover: "auto", role: "menu", class: "menu" }, items);
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const place = opener.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(place.left, innerWidth - menu.offsetWidth - 8))}px`;
    const below = place.bottom + 4;
    menu.style.top = `${below + menu.offsetHeight > innerHeight ? place.top - menu.offsetHeight - 4 : below}px`;
    items[0]?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = items.indexOf(document.activeElement);
    items[(at + step + items.length) % items.length].focus();
  });
  return h("span", { class: "menu-holder" }, opener, menu);
}

// ---- inputs: `{node, read}`; `read` gives what the server takes as an entry


function text(element, start) {
  const placeholder = element.placeholder?.text;
  const node = element.multiline
    ? h("textarea", { rows: 5, placeholder })
    : h("input", { type: element.type === "datepicker" ? "date" : "text", placeholder });
  node.value = start ?? element.initial_value ?? element.initial_date ?? "";
  return { node, control: node, read: () => node.value };
}

const valueOf = (option) => option.value ?? option.text.text;

/** Menus of people, as if the bot had named each. */
const listed = (element) => element.options ?? get("people").map((one) => ({ value: one.id, text: { text: one.name } }));

function select(element, start) {
  const option = (one) => h("option", { value: valueOf(one) }, one.text.text);
  const empty = h("option", { value: "" }, element.placeholder?.text ?? "Select an option");
  const node = h("select", {}, empty, listed(element).map(option));
  const initial = element.initial_option ? valueOf(element.initial_option) : element.initial_user;
  node.value = start ?? initial ?? "";
  return { node, control: node, read: () => node.value || null };
}

const input = (element, start) => (element.type.endsWith("_select") ? select : text)(element, start);

/** An input that stands in a message, Home or an actions block: using it tells the bot at once. */
function immediate(element, context) {
  const made = input(element, context.form?.kept.get(key(context, element)));
  made.control.dataset.focus = focusName(context, element);
  made.node.setAttribute("aria-label", element.placeholder?.text ?? element.action_id);
  made.node.addEventListener("change", () => use(made.node, element, context, made.read()));
  context.form?.add({ name: key(context, element), ...made });
  return made.node;
}

/** The input of an input block. */
export function field(element, context) {
  const made = input(element, context.form?.kept.get(key(context, element)));
  made.control.dataset.focus = focusName(context, element);
  if (context.block.dispatch_action) {
    made.node.addEventListener("change", () => use(made.node, element, context, made.read()));
  }
  return { name: key(context, element), ...made };
}

export function interactive(element, context) {
  if (element.type === "button") return button(element, context);
  if (element.type === "overflow") return overflow(element, context);
  if (element.type === "image") return picture(element);
  return immediate(element, context);
}

/** Nothing is fetched from elsewhere: a picture is shown by its description. */
export const picture = (image) => h("span", { class: "picture", role: "img", "aria-label": image.alt_text }, `🖼 ${image.alt_text}`);
