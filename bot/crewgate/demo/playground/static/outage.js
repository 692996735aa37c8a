// What it means that the bot does not run, above everything else.

import { h, patch } from "./dom.js";
import { act, get } from "./store.js";

const bar = document.getElementById("outage");
const MEANS = "Until it runs again, what is pressed or written in Slack reaches nobody, and a pause that the crew announces is lost. What was decided is kept.";

export function draw() {
  const { state, problem, log } = get("bot") ?? {};
  bar.hidden = !state || state === "running";
  patch(bar, bar.hidden ? [] : [{ key: "outage", version: state + problem + log, make: () => outage(state, problem, log) }]);
}

function outage(state, problem, log) {
  if (state !== "down") return h("p", {}, "The bot is starting…");
  return h("div", {},
    h("p", {}, h("b", {}, problem), ` ${MEANS}`),
    log && h("details", { data: { open: "outage" } }, h("summary", {}, "The end of its log"), h("pre", {}, log)),
    h("button", { type: "button", class: "button tiny", onclick: () => act("bot", { command: "start" }) }, "Start the bot"));
}
