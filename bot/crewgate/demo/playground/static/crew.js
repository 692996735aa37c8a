// The crew's pane: executions, fault controls, requests and webhooks.

import { h, patch, toast } from "./dom.js";
import { act, all, get, version } from "./store.js";
import { clock } from "./time.js";

const pane = document.getElementById("crew");
const TOPICS = ["home batteries", "heat pumps", "solar roofs", "car chargers", "smart thermostats"];
const FAULTS = [
  ["slow", "5 s late"],
  ["500", "answers 500"],
  ["refuse", "says no"],
  ["drop", "does it, then drops the line"],
  ["hang", "never answers"],
];
const NOTIFY = [["mention", "by mention"], ["dm", "by direct message"], ["none", "not at all"]];
let topics = 0;

const STATES = { running: "Running", pending: "Waiting for a person", completed: "Completed", error: "Failed" };
const WORDS = { done: "done", running: "working…", paused: "waiting for a person", "to do": "to do", failed: "failed" };

function layout() {
  if (pane.firstChild) return;
  const kickOff = async (wanted) => {
    const answer = await act("kickoff", { topic: wanted });
    if (!answer.ok) toast(`The crew did not start: ${answer.problem}.`);
    return answer.ok;
  };
  const topic = h("input", { id: "topic", value: TOPICS[0], required: true, maxlength: 120, autocomplete: "off" });
  const kick = h("form", { class: "kickoff", onsubmit: async (event) => {
    event.preventDefault();
    if (await kickOff(topic.value)) topic.value = TOPICS[(topics += 1) % TOPICS.length];
  } }, h("label", { for: "topic" }, "A topic for the sample crew"), h("div", {}, topic, h("button", { type: "submit", class: "button primary" }, "Kick off")));
  const samples = get("samples") ?? [];
  pane.append(
    h("header", {}, h("h1", {}, "The crew"), h("span", { id: "crew-state", class: "chip" })),
    h("p", { id: "crew-about" }),
    h("div", { class: "scroll" }, kick,
      samples.length > 0 && h("details", { class: "card samples", open: innerWidth > 700 }, h("summary", {}, h("h2", {}, "What is hard to show")),
        h("ul", {}, samples.map((one) => h("li", {}, h("button", { type: "button", class: "button tiny", onclick: () => kickOff(one.topic) }, one.topic), h("small", {}, one.about))))),
      h("div", { id: "executions" }),
      h("div", { class: "card notify" }, h("label", { for: "notify" }, "Reviewers are told"), notifySwitch(), h("small", {}, "The bot starts again with it.")),
      h("details", { class: "card faults", open: innerWidth > 700 }, h("summary", {}, h("h2", {}, "Make something go wrong")), faultControls()),
      h("h2", { id: "traffic-title" }, "Requests and webhooks", h("small", {}, "newest first")),
      h("div", { id: "traffic", "aria-labelledby": "traffic-title" })));
}

// ---- executions

function executions() {
  const known = all("execution/").sort((a, b) => b.number - a.number);
  const list = document.getElementById("executions");
  patch(list, known.length
    ? known.map((one, at) => ({ key: one.id, version: version(one.key) + (at === 0), make: () => execution(one, at === 0) }))
    : [{ key: "none", version: "", make: () => h("p", { class: "empty" }, "Nothing is running. Kick the crew off: it works on three tasks, and asks for a review of two of them.") }]);
  const newest = known[0];
  const chip = document.getElementById("crew-state");
  chip.textContent = newest ? STATES[newest.state] : "Idle";
  chip.className = `chip ${newest?.state ?? ""}`;
}

function execution(one, newest) {
  const done = one.tasks.filter((task) => task.state === "done").length;
  return h("details", { class: `card execution ${one.state}`, open: newest, data: { open: `${one.id}${newest}` } },
    h("summary", {}, h("h2", {}, one.topic || "By hand"), h("code", {}, one.id.slice(0, 8)), h("span", { class: "count" }, `${done} of ${one.tasks.length}`)),
    h("ol", { class: "steps" }, one.tasks.map((task) => step(one, task))),
    one.state === "completed" && h("p", { class: "outcome" }, "Completed. The result is the last task's output."),
    one.error && h("p", { class: "outcome error" }, one.error));
}

function step(one, task) {
  const rounds = task.review && task.rounds > 0 ? ` · round ${task.rounds}` : "";
  return h("li", { class: task.state.replace(" ", "-") },
    h("div", {}, h("b", {}, task.name), task.review && h("span", { class: "badge" }, "REVIEW")),
    h("small", {}, `${task.agent} · ${WORDS[task.state]}${task.state === "paused" || task.state === "done" ? rounds : ""}`),
    task.html && h("details", { data: { open: `${one.id}/${task.id}` } }, h("summary", {}, "Output"), h("div", { class: "text markdown", html: task.html })));
}

// ---- faults and the bot process

function faultControls() {
  const lasting = h("input", { type: "checkbox", id: "lasting" });
  const row = (who, title) => h("div", { class: "fault-row", role: "group", "aria-label": title }, h("span", {}, title),
    FAULTS.map(([how, about]) => h("button", { type: "button", class: "button tiny", title: `${title}: ${about}`, onclick: () => act("fail", { who, how, until_cleared: lasting.checked }) }, how)));
  const bot = (command, label) => h("button", { type: "button", class: "button tiny", data: { command }, onclick: () => act("bot", { command }) }, label);
  return h("div", {},
    row("crew", "The crew's next /resume"),
    row("slack", "Slack's next answer"),
    h("div", { class: "fault-row" },
      h("label", { for: "lasting" }, lasting, " until stopped"),
      h("button", { type: "button", class: "button tiny", onclick: () => act("clear_faults") }, "Stop all that"),
      h("span", { id: "faults", class: "chip" })),
    h("div", { class: "fault-row", role: "group", "aria-label": "The bot" },
      h("span", {}, "The bot"), h("span", { id: "bot", class: "chip", role: "status" }),
      bot("restart", "Restart"), bot("kill", "Kill"), bot("start", "Start")));
}

function notifySwitch() {
  return h("select", { id: "notify", onchange: (event) => act("notify", { notify: event.target.value }) },
    NOTIFY.map(([value, label]) => h("option", { value }, label)));
}

function drawStatus() {
  document.getElementById("notify").value = get("notify");
  const { slack, crew, hanging } = get("faults") ?? {};
  const due = [crew && `crew: ${crew} due`, slack && `Slack: ${slack} due`, hanging && `${hanging} held up`].filter(Boolean);
  const faults = document.getElementById("faults");
  faults.textContent = due.join(" · ") || "all well";
  faults.classList.toggle("pending", due.length > 0);
  const { state } = get("bot") ?? {};
  const chip = document.getElementById("bot");
  chip.textContent = state;
  chip.className = `chip ${{ running: "completed", down: "error" }[state] ?? "pending"}`;
  for (const button of pane.querySelectorAll("[data-command]")) {
    button.hidden = (button.dataset.command === "start") === (state !== "down");
  }
}

// ---- requests and webhooks

function traffic() {
  const seen = all("traffic/").sort((a, b) => b.at - a.at);
  patch(document.getElementById("traffic"), seen.length
    ? seen.map((one) => ({ key: one.key, version: version(one.key), make: () => exchange(one) }))
    : [{ key: "none", version: "", make: () => h("p", { class: "empty" }, "Nothing yet.") }]);
}

function exchange(one) {
  const good = one.status >= 200 && one.status < 300;
  const status = one.status ?? (one.error ? "lost" : "…");
  const title = one.kind === "webhook" ? `${one.title.replace("_", "-")} webhook` : one.title.replace(/([0-9a-f]{8})-[0-9a-f-]{27}/, "$1…");
  return h("details", { class: `exchange ${one.kind}`, data: { open: one.key } },
    h("summary", {},
      h("span", { class: "direction", title: one.kind === "webhook" ? "sent by the crew" : "received by the crew" }, one.kind === "webhook" ? "←" : "→"),
      h("b", {}, title),
      h("span", { class: `status ${good ? "good" : status === "…" ? "" : "bad"}` }, `${status}`),
      h("time", {}, clock(one.at))),
    one.url && h("p", { class: "url" }, one.url),
    one.body && h("pre", {}, one.body),
    one.error && h("p", { class: "problem" }, one.error),
    one.answer && h("div", {}, h("small", {}, "answered"), h("pre", {}, one.answer)));
}

export function draw() {
  layout();
  const about = (get("about") ?? "").split(/(make \S+)/);
  document.getElementById("crew-about").replaceChildren(...about.map((part, at) => (at % 2 ? h("code", {}, part) : part)));
  executions();
  drawStatus();
  traffic();
}
