// Slack's blocks, as DOM. Texts come with HTML that the server has escaped.

import { h } from "./dom.js";
import { field, interactive, picture } from "./elements.js";
import { ui } from "./store.js";
import { writeTimes } from "./time.js";

const textOf = (text, extra = "") => h("div", { class: `text ${extra}`, html: text.html });

const RENDER = {
  header: (block) => h("h3", { class: "header", html: block.text.html }),
  divider: () => h("hr"),
  markdown: (block) => h("div", { class: "text markdown", html: block.html }),
  rich_text: (block) => h("div", { class: "text rich", html: block.html }),
  image: (block) => h("figure", {}, block.title && h("figcaption", { html: block.title.html }), picture(block)),
  section: (block, context) =>
    h("div", { class: "section" },
      h("div", { class: "section-text" },
        block.text && textOf(block.text),
        block.fields && h("div", { class: "fields" }, block.fields.map((one) => textOf(one)))),
      block.accessory && h("div", { class: "accessory" }, interactive(block.accessory, context))),
  alert: (block) => h("div", { class: `alert ${block.level ?? "default"}` }, textOf(block.text)),
  context: (block) =>
    h("div", { class: "context" }, block.elements.map((one) => (one.type === "image" ? picture(one) : textOf(one)))),
  actions: (block, context) => h("div", { class: "actions" }, block.elements.map((one) => interactive(one, context))),
  input: (block, context) => inputBlock(block, context),
  data_visualization: (block) => chart(block),
};

/** Bars, with their values; other kinds of chart are shown as bars too. */
function chart({ title, chart: { series, segments, axis_config } }) {
  const plotted = series ?? [{ name: "", data: segments }];
  const most = Math.max(1, ...plotted.flatMap((one) => one.data.map((point) => point.value)));
  const bar = (point, number) => {
    const node = h("span", { class: `bar bar-${number}` }, `${point.value}`);
    node.style.setProperty("--share", Math.max(0, point.value) / most);
    return node;
  };
  return h("figure", { class: "chart" },
    h("figcaption", {}, title, h("span", { class: "series" }, plotted.map((one, number) =>
      h("span", { class: `key key-${number}` }, one.name)))),
    (axis_config?.categories ?? segments.map((one) => one.label)).map((category, place) =>
      h("div", { class: "bars" },
        h("span", { class: "category" }, category),
        h("span", { class: "plot" }, plotted.map((one, number) => bar(one.data[place], number))))));
}

let inputs = 0;

function inputBlock(block, context) {
  const id = `input-${(inputs += 1)}`;
  const made = field(block.element, context);
  const longest = block.element.max_length ?? (block.element.type === "plain_text_input" ? 3000 : null);
  const left = h("span", { class: "left", "aria-live": "polite" });
  const error = h("p", { class: "error", id: `${id}-error`, role: "alert", hidden: true });
  const optional = block.optional ? h("span", { class: "optional" }, " (optional)") : null;
  const label = h("label", { for: id, html: block.label.html }, optional);
  made.control.id = id;
  made.control.setAttribute("aria-describedby", error.id);
  if (!block.optional) made.control.setAttribute("aria-required", "true");
  const one = {
    ...made,
    block,
    showError(text) {
      error.textContent = text;
      error.hidden = !text;
      made.control.toggleAttribute("aria-invalid", Boolean(text));
    },
    /** The error that Slack's own client shows before sending; empty when valid. */
    validate() {
      const value = made.read();
      if (!value) return block.optional ? "" : "Please complete this required field.";
      const size = value.length;
      if (longest && size > longest) return `This is ${size - longest} characters too long.`;
      if (size < (block.element.min_length ?? 0)) return `Enter at least ${block.element.min_length} characters.`;
      return made.control.validity?.valid === false ? made.control.validationMessage : "";
    },
  };
  made.node.addEventListener("input", () => {
    one.showError("");
    const room = longest ? longest - made.read().length : 0;
    left.textContent = longest && room < 200 ? `${room}` : "";
    left.classList.toggle("over", room < 0);
  });
  context.form.add(one);
  return h("div", { class: "input" },
    label, made.node, left, error, block.hint && h("p", { class: "hint", html: block.hint.html }));
}

/** All blocks of one surface. `context`: `{name, surface, form?}`. */
export function render(blocks, context) {
  const nodes = blocks.map((block) => RENDER[block.type]?.(block, { ...context, block }) ?? unknown(block));
  const root = h("div", { class: "blocks" }, nodes);
  personalize(root);
  return root;
}

const unknown = (block) => h("p", { class: "context" }, `This page cannot show a block of type ${block.type}.`);

/** Apply what depends on the reader: local times, and highlighted mentions. */
export function personalize(root) {
  writeTimes(root);
  for (const mention of root.querySelectorAll(".mention")) {
    mention.classList.toggle("me", [ui.person, "everyone"].includes(mention.dataset.user));
  }
  return root;
}
