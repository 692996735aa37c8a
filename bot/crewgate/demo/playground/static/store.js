// The state that the server streams, by key, and requests to act on it.

const entries = new Map();
const versions = new Map();
const subscribers = new Set();
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
export const version = (key) => versions.get(key) ?? "";

/** Values whose keys begin so, in the server's order. */
export function all(prefix) {
  return [...entries].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, ...value }));
}

/** Call this function after every change. */
export const subscribe = (subscriber) => subscribers.add(subscriber);
export const changed = () => subscribers.forEach((subscriber) => subscriber());

/** See the workspace as this person. */
export function actAs(person) {
  ui.person = person;
  const address = new URL(location.href);
  address.searchParams.set("as", person);
  history.replaceState(null, "", address);
  stream?.close();
  stream = new EventSource(`/changes?as=${encodeURIComponent(person)}`);
  stream.onmessage = (message) => {
    document.body.classList.remove("disconnected");
    const change = JSON.parse(message.data);
    if (change.full) {
      entries.clear();
      versions.clear();
    }
    for (const key of change.removed) {
      entries.delete(key);
      versions.delete(key);
    }
    for (const [key, value] of Object.entries(change.set)) {
      entries.set(key, value);
      versions.set(key, JSON.stringify(value));
    }
    changed();
    document.body.dataset.ready = person;
  };
  stream.onerror = () => document.body.classList.add("disconnected");
}

/** Perform an action; resolves to its result, `{ok, problem, errors}`. */
export async function act(action, body = {}) {
  try {
    const answer = await fetch(`/do/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: ui.person, ...body }),
    });
    return await answer.json();
  } catch (error) {
    const problem = error instanceof SyntaxError ? "the demo failed, see its terminal" : "the demo has ended";
    return { ok: false, problem, errors: {} };
  }
}

export const name = (user) => get("people")?.find((one) => one.id === user)?.name ?? user;
