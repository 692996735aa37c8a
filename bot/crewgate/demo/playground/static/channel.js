// The workspace: sidebar, channel or Home, thread, composer.

import { render } from "./blocks.js";
import { focusWithin, h, icon, patch, restoreFocus, toast } from "./dom.js";
import { avatar, item } from "./message.js";
import { act, all, actAs, changed, get, name, version, ui } from "./store.js";
import { day } from "./time.js";
import { themeSwitch } from "./theme-switch.js";

const byId = (id) => document.getElementById(id);
const APP_COMMANDS = [
  ["/crew help", "what the command can do"],
  ["/crew pending", "what waits for a decision"],
  ["/crew pending mine", "what waits for you"],
  ["/crew status", "how crews and executions stand"],
  ["/crew kickoff", "start a crew"],
  ["/crew stats", "what was decided, and how fast"],
  ["/crew lessons", "what reviewers taught the crews"],
  ["/crew rules", "the rules for what you decide"],
  ["/crew morning", "a private line each day if something waits"],
  ["/crew away", "somebody else decides for you"],
  ["/crew back", "you decide for yourself again"],
];
/** Seconds within which consecutive messages of one person share a byline. */
const GROUP_SECONDS = 300;

// ---- sidebar

function sidebar() {
  const channels = all("channel/").filter((one) => !one.im);
  const entry = (key, active, drawing, label, go, unread = false) => ({
    key,
    version: `${active}${label}${unread}`,
    make: () => h("button", { type: "button", class: unread ? "entry unread" : "entry", "aria-current": active ? "page" : null, onclick: go, data: { focus: key } }, drawing, h("span", {}, label)),
  });
  patch(byId("sidebar"), [
    { key: "title", version: "title", make: () => h("header", {}, h("b", {}, "Demo"), h("span", {}, "a stand-in workspace")) },
    { key: "channels", version: "channels", make: () => h("h2", {}, "Channels") },
    ...channels.map((one) => entry(one.key, ui.place === "channel" && ui.channel === one.id, icon("hash"), one.name, () => visit("channel", one.id), unread(one.id, ui.place === "channel" && ui.channel === one.id))),
    { key: "apps", version: "apps", make: () => h("h2", {}, "Apps") },
    entry("app", ui.place === "app", avatar("U0DEMOBOT", "small"), "Crewgate", () => visit("app"), unread(direct()?.id, ui.place === "app" && ui.tab === "messages")),
    { key: "as", version: ui.person + version("people"), make: people },
  ]);
}

/** This person's direct messages with the app, once there are any. */
const direct = () => all("channel/").find((one) => one.im);

/** Whether the channel has a message that this page has not shown yet. */
function unread(channel, shown) {
  const newest = visible(inChannel(channel)).at(-1)?.ts ?? "";
  if (shown) ui.seen.set(channel, newest);
  return newest > (ui.seen.get(channel) ?? "");
}

function people() {
  const who = get("people").filter((one) => one.role);
  return h("fieldset", { class: "people" }, h("legend", {}, "Act as"),
    who.map((one) => {
      const box = h("input", { type: "radio", name: "person", value: one.id, data: { focus: `as/${one.id}` }, onchange: () => actAs(one.id) });
      box.checked = one.id === ui.person;
      return h("label", {}, box, avatar(one.id), h("span", {}, h("b", {}, one.name), h("small", {}, one.role)));
    }));
}

function visit(place, channel = ui.channel) {
  Object.assign(ui, { place, channel, thread: null });
  document.body.classList.remove("drawer");
  if (place === "app") layouts.delete("channel");
  changed();
}

// ---- channel and Home

const layouts = new Map();

/** Build the parts of a pane that stay while its messages change, once per `key`. */
function layout(pane, key, make) {
  if (layouts.get(pane) !== key) {
    const focused = focusWithin(byId(pane));
    byId(pane).replaceChildren(...make());
    restoreFocus(byId(pane), focused);
    layouts.set(pane, key);
  }
}

function heading(...title) {
  return h("header", {},
    h("button", { type: "button", class: "icon-button drawer-button", "aria-label": "Channels and people", onclick: () => document.body.classList.toggle("drawer") }, icon("menu")),
    h("h1", {}, ...title), themeSwitch());
}

function channelPane() {
  const channel = get(`channel/${ui.channel}`);
  if (!channel) return;
  layout("channel", `channel/${channel.id}`, () => [
    heading(icon("hash"), channel.name, h("small", { title: `${channel.members} members` }, icon("people"), `${channel.members}`)),
    h("div", { class: "messages", tabindex: "-1" }),
    composer(channel.id, null, `Message #${channel.name}, or /crew help`),
  ]);
  fill(byId("channel").querySelector(".messages"), visible(inChannel(channel.id)), "channel", h("div", { class: "empty" },
    h("b", {}, `This is the very beginning of #${channel.name}`),
    h("p", {}, "Crewgate posts here when a crew waits for a person. Kick one off, and its first card appears.")));
}

/** Selects messages shown in the channel itself: no replies, unless broadcast. */
const inChannel = (channel) => (one) => one.channel === channel && (!one.thread_ts || one.broadcast);

const visible = (wanted) => all("message/").filter((one) => wanted(one) && !ui.dismissed.has(one.ts)).sort((a, b) => (a.ts < b.ts ? -1 : 1));

function fill(list, messages, where, empty) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  const last = list.lastElementChild?.dataset.key;
  const items = [];
  let before = null;
  for (const message of messages) {
    const today = day(message.ts);
    if (where === "channel" && (!before || day(before.ts) !== today)) {
      items.push({ key: `day-${today}`, version: today, make: () => h("div", { class: "day" }, h("span", {}, today)) });
    }
    const compact = before?.user === message.user && message.ts - before.ts < GROUP_SECONDS && !message.app && !before.private && !message.broadcast;
    items.push(item(message, where, { compact }));
    if (where === "thread" && !before) {
      const count = messages.length - 1;
      items.push({ key: "replies", version: `${count}`, make: () => h("div", { class: "day replies" }, h("span", {}, count === 1 ? "1 reply" : `${count} replies`)) });
    }
    before = message;
  }
  patch(list, items.length ? items : [{ key: "empty", version: "", make: () => empty }]);
  if (atEnd || last === undefined) list.scrollTop = list.scrollHeight;
}

function appPane() {
  layout("channel", `app/${ui.tab}/${ui.person}`, () => {
    // Opening Home sends `app_home_opened`; the bot publishes the page in answer.
    if (ui.tab === "home") act("home");
    const tab = (id, label) => h("button", { type: "button", role: "tab", "aria-selected": `${ui.tab === id}`, data: { focus: `tab/${id}` }, onclick: () => {
      ui.tab = id;
      visit("app");
    } }, label);
    return [heading(avatar("U0DEMOBOT"), "Crewgate"),
      h("div", { class: "tabs", role: "tablist" }, tab("home", "Home"), tab("messages", "Messages")),
      h("div", { class: ui.tab === "home" ? "home" : "messages", role: "tabpanel" })];
  });
  if (ui.tab === "home") home();
  else {
    const im = direct();
    fill(byId("channel").querySelector(".messages"), im ? visible((one) => one.channel === im.id) : [], "channel", h("div", { class: "empty" },
      h("b", {}, "Nothing here yet"), h("p", {}, "What Crewgate tells you in private appears here.")));
  }
}

function home() {
  const view = get("home");
  patch(byId("channel").querySelector(".home"), [{
    key: "home",
    version: version("home") + ui.person,
    make: () => (view ? render(view.blocks, { name: "home", surface: "home" }) : h("div", { class: "empty" },
      h("b", {}, "Crewgate has no Home tab yet"), h("p", {}, "When it publishes one, it appears here."))),
  }]);
}

// ---- thread

function threadPane() {
  const pane = byId("thread");
  pane.hidden = !ui.thread;
  document.body.classList.toggle("thread-open", Boolean(ui.thread));
  if (!ui.thread) {
    layouts.delete("thread");
    return;
  }
  const { channel, ts } = ui.thread;
  layout("thread", `${channel}/${ts}`, () => [
    h("header", {}, h("h1", {}, "Thread", h("small", {}, `#${get(`channel/${channel}`)?.name}`)),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close thread", onclick: closeThread }, icon("close"))),
    h("div", { class: "messages", tabindex: "-1" }),
    composer(channel, ts, "Reply…"),
  ]);
  fill(pane.querySelector(".messages"), visible((one) => one.channel === channel && [one.ts, one.thread_ts].includes(ts)), "thread", h("div", { class: "empty" }, "This thread is gone."));
}

export function closeThread() {
  const ts = ui.thread?.ts;
  ui.thread = null;
  changed();
  document.querySelector(`#channel [data-focus="replies/${ts}"]`)?.focus();
}

// ---- composer

function composer(channel, thread_ts, placeholder) {
  const area = h("textarea", { rows: 1, placeholder, "aria-label": placeholder, data: { focus: `composer/${thread_ts ?? channel}` } });
  const hints = h("div", { class: "hints", hidden: true }, APP_COMMANDS.map(([command, about]) =>
    h("button", { type: "button", onclick: () => {
      area.value = command;
      area.focus();
      resize();
    } }, h("b", {}, command), h("small", {}, about))));
  const form = h("form", { class: "composer" }, hints, area,
    h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send")));
  const resize = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 180)}px`;
    form.classList.toggle("ready", Boolean(area.value.trim()));
    hints.hidden = thread_ts !== null || !/^\/\S*$/.test(area.value);
  };
  area.addEventListener("input", resize);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hints.hidden = true;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    resize();
    if (!(await send(text, channel, thread_ts)) && !area.value) {
      area.value = text;
      resize();
    }
  });
  return form;
}

async function send(text, channel, thread_ts) {
  const command = /^\/\S/.test(text) ? text.split(" ")[0] : "";
  if (command && thread_ts) {
    toast(`${command} is not supported in threads. Sorry!`);
    return false;
  }
  const answer = await act(command ? "command" : "write", { channel, text, thread_ts });
  if (!answer.ok) toast(command ? `${command} failed: ${answer.problem}.` : `Not sent: ${answer.problem}.`);
  return answer.ok;
}

// ---- all of it

/** Open a link to a message of this workspace in this page. */
export function followLink(event) {
  const link = event.target.closest?.("a[href*='.slack.com/archives/']");
  const found = link?.href.match(/archives\/(\w+)\/p(\d+)(\d{6})(?:\?thread_ts=([\d.]+))?/);
  if (!found) return;
  event.preventDefault();
  const [, channel, seconds, micros, thread] = found;
  const ts = `${seconds}.${micros}`;
  Object.assign(ui, { place: "channel", channel, thread: thread ? { channel, ts: thread } : null });
  changed();
  const target = document.querySelector(`${thread ? "#thread" : "#channel"} [data-ts="${ts}"]`) ?? document.querySelector(`[data-ts="${ts}"]`);
  target?.scrollIntoView({ block: "center" });
  target?.classList.add("highlighted");
  setTimeout(() => target?.classList.remove("highlighted"), 2000);
}

export function draw() {
  ui.channel ||= all("channel/").find((one) => !one.im)?.id ?? "";
  document.title = `${ui.place === "app" ? "Crewgate" : `#${get(`channel/${ui.channel}`)?.name}`} · ${name(ui.person)}`;
  sidebar();
  if (ui.place === "app") appPane();
  else channelPane();
  threadPane();
}
