// Points in time as Slack formats them, in the reader's own time zone.

const form = (options) => new Intl.DateTimeFormat("en", options);
const TIME = form({ hour: "numeric", minute: "2-digit" });
const SECONDS = form({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const LONG = form({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const MIDDLE = form({ month: "long", day: "numeric", year: "numeric" });
const SHORT = form({ month: "short", day: "numeric", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const dayOf = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

function pretty(date, otherwise) {
  const days = Math.round((dayOf(new Date()) - dayOf(date)) / 864e5);
  return { 0: "today", 1: "yesterday", [-1]: "tomorrow" }[days] ?? otherwise.format(date);
}

export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const timeOfDay = (ts) => TIME.format(dateOf(ts));
export const exact = (ts) => `${LONG.format(dateOf(ts))} at ${SECONDS.format(dateOf(ts))}`;
export const clock = (ts) => CLOCK.format(dateOf(ts));
export const moment = (ts) => `${pretty(dateOf(ts), SHORT)} at ${timeOfDay(ts)}`;

export function day(ts) {
  const text = pretty(dateOf(ts), LONG);
  return text[0].toUpperCase() + text.slice(1);
}

/** Format the times in the reader's own time zone. */
export function writeTimes(root) {
  for (const node of root.querySelectorAll("time[data-unix]")) {
    const date = dateOf(node.dataset.unix);
    const words = {
      "{date_num}": date.toISOString().slice(0, 10),
      "{date}": MIDDLE.format(date),
      "{date_short}": SHORT.format(date),
      "{date_long}": LONG.format(date),
      "{date_pretty}": pretty(date, MIDDLE),
      "{date_short_pretty}": pretty(date, SHORT),
      "{date_long_pretty}": pretty(date, LONG),
      "{time}": TIME.format(date),
      "{time_secs}": SECONDS.format(date),
    };
    const text = node.dataset.form.replace(/\{\w+\}/g, (token) => words[token] ?? token);
    node.textContent = text[0]?.toUpperCase() + text.slice(1);
    node.title = exact(node.dataset.unix);
  }
}
