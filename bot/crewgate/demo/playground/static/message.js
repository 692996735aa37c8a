// One message, as shown in a channel or a thread.

import { personalize, render } from "./blocks.js";
import { h, icon, toast } from "./dom.js";
import { act, changed, get, name, version, ui } from "./store.js";
import { exact, moment, timeOfDay } from "./time.js";

export const isApp = (user) => user === "U0DEMOBOT";

export function avatar(user, size = "") {
  if (isApp(user)) return h("img", { class: `avatar ${size}`, src: "/static/gate.svg", alt: "" });
  const tint = get("people").findIndex((one) => one.id === user) % 5;
  return h("span", { class: `avatar tint-${tint} ${size}`, "aria-hidden": "true" }, name(user)[0]);
}

export const shownName = (user) => (isApp(user) ? "Crewgate" : name(user));

/** The message as an item for `patch`; `where` is `channel` or `thread`. */
export function item(message, where, { compact = false } = {}) {
  const thread = where === "channel" && !message.thread_ts ? version(`thread/${message.channel}/${message.ts}`) : "";
  return {
    key: message.ts,
    version: [version(message.key), thread, compact, ui.person].join(),
    make: () => row(message, where, compact),
  };
}

function row(message, where, compact) {
  const place = `${where}/${message.ts}`;
  const surface = { channel: message.channel, ts: message.ts };
  if (message.deleted) return h("article", { class: "message deleted" }, "This message was deleted.");
  const body = message.blocks.length
    ? render(message.blocks, { name: place, surface })
    : personalize(h("div", { class: "text", html: message.html }));
  const classes = ["message", compact && "compact", message.private && "private", message.app && "app"];
  return h("article", { class: classes.filter(Boolean).join(" "), "aria-label": `${shownName(message.user)}, ${moment(message.ts)}`, data: { ts: message.ts } },
    h("div", { class: "gutter" }, compact ? h("time", { title: exact(message.ts) }, timeOfDay(message.ts)) : avatar(message.user)),
    h("div", { class: "content" },
      message.private && h("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      message.broadcast && where === "channel" && reference(message),
      !compact && h("p", { class: "byline" },
        h("b", {}, shownName(message.user)), message.app && h("span", { class: "badge" }, "APP"),
        h("time", { title: exact(message.ts) }, timeOfDay(message.ts))),
      body,
      message.edited && h("span", { class: "edited" }, "(edited)"),
      message.files.map(fileCard),
      reactions(message),
      where === "channel" && threadLine(message),
      message.private && h("button", { type: "button", class: "link dismiss", onclick: () => {
        ui.dismissed.add(message.ts);
        changed();
      } }, "Dismiss")),
    tools(message, where));
}

const openThread = (message) => {
  ui.thread = { channel: message.channel, ts: message.thread_ts ?? message.ts };
  changed();
  document.querySelector("#thread textarea")?.focus();
};

function reference(message) {
  const parent = get(`message/${message.channel}/${message.thread_ts}`);
  const words = parent ? summary(parent) : "a thread";
  return h("p", { class: "reference" }, "replied to a thread: ",
    h("button", { type: "button", class: "link", onclick: () => openThread(message), data: { focus: `reference/${message.ts}` } }, words));
}

/** The first words of a message. */
function summary(message) {
  const first = message.blocks.find((block) => block.text)?.text.html ?? message.html;
  const words = new DOMParser().parseFromString(first, "text/html").body.textContent;
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}

function threadLine(message) {
  const thread = get(`thread/${message.channel}/${message.ts}`);
  if (!thread || message.thread_ts) return null;
  return h("button", { type: "button", class: "thread-line", onclick: () => openThread(message), data: { focus: `replies/${message.ts}` } },
    thread.users.slice(0, 4).map((user) => avatar(user, "small")),
    h("b", {}, thread.count === 1 ? "1 reply" : `${thread.count} replies`),
    h("span", {}, `Last reply ${moment(thread.latest)}`));
}

function reactions(message) {
  if (!message.reactions.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map((one) =>
    h("span", { class: `reaction ${one.users.includes(ui.person) ? "mine" : ""}`, title: `${one.users.map(shownName).join(", ")} reacted with :${one.name}:` },
      one.character, h("b", {}, `${one.users.length}`))));
}

function fileCard(file) {
  const size = file.size < 1024 ? `${file.size} B` : `${(file.size / 1024).toFixed(1)} kB`;
  return h("div", { class: "file" },
    h("a", { class: "file-head", href: `/files/${file.id}/${encodeURIComponent(file.name)}`, target: "_blank", rel: "noopener" },
      icon("file"), h("span", {}, h("b", {}, file.title), h("small", {}, `${file.name} · ${size}`))),
    h("details", { data: { open: file.id } }, h("summary", {}, "Preview"), h("pre", {}, file.preview)));
}

function tools(message, where) {
  if (message.private) return null;
  const tool = (label, drawing, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, icon(drawing));
  const mine = message.user === ui.person;
  return h("div", { class: "tools" },
    where === "channel" && tool("Reply in thread", "reply", () => openThread(message)),
    mine && tool("Edit message", "edit", () => edit(message, where)),
    mine && tool("Delete message", "bin", () => reportFailure(act("delete", { channel: message.channel, ts: message.ts }))));
}

async function reportFailure(pending) {
  const answer = await pending;
  if (!answer.ok) toast(`That did not work: ${answer.problem}.`);
}

function edit(message, where) {
  const body = document.querySelector(`#${where} [data-ts="${message.ts}"] .text`);
  const area = h("textarea", { rows: 2, "aria-label": "Edit message" });
  area.value = body.innerText;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") form.replaceWith(body);
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  const form = h("form", { class: "edit", onsubmit: (event) => {
    event.preventDefault();
    form.replaceWith(body);
    reportFailure(act("edit", { channel: message.channel, ts: message.ts, text: area.value.trim() }));
  } }, area, h("small", {}, "Escape to cancel · Enter to save"));
  body.replaceWith(form);
  area.focus();
}
