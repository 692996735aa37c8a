// What the server says is the case, by key, and the way to do something about it.

const entries = new Map();
const prints = new Map();
const watchers = new Set();
let stream = null;

export const ui = {
  person: new URLSearchParams(location.search).get("as") ?? "",
  channel: "",
  place: "channel",
  thread: null,
  tab: "home",
  dismissed: new Set(),
  seen: new Map(),
};

export const get = (key) => entries.get(key);
export const print = (key) => prints.get(key) ?? "";

/** Values whose keys begin so, in the server's order. */
export function all(prefix) {
  return [...entries].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, ...value }));
}

/** Call this after every change. */
export const watch = (watcher) => watchers.add(watcher);
export const changed = () => watchers.forEach((watcher) => watcher());

/** See the workspace as this person. */
export function become(person) {
  ui.person = person;
  const address = new URL(location.href);
  address.searchParams.set("as", person);
  history.replaceState(null, "", address);
  stream?.close();
  stream = new EventSource(`/changes?as=${encodeURIComponent(person)}`);
  stream.onmessage = (message) => {
    document.body.classList.remove("lost");
    const change = JSON.parse(message.data);
    if (change.whole) {
      entries.clear();
      prints.clear();
    }
    for (const key of change.gone) {
      entries.delete(key);
      prints.delete(key);
    }
    for (const [key, value] of Object.entries(change.set)) {
      entries.set(key, value);
      prints.set(key, JSON.stringify(value));
    }
    changed();
    document.body.dataset.ready = person;
  };
  stream.onerror = () => document.body.classList.add("lost");
}

/** Do a deed: what the person's screen should show, `{ok, problem, errors}`. */
export async function act(deed, body = {}) {
  try {
    const answer = await fetch(`/do/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: ui.person, ...body }),
    });
    return await answer.json();
  } catch (error) {
    const problem = error instanceof SyntaxError ? "the demo stumbled, its terminal says why" : "the demo has ended";
    return { ok: false, problem, errors: {} };
  }
}

export const name = (user) => get("people")?.find((one) => one.id === user)?.name ?? user;
