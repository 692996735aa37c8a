// DOM helpers: building elements, patching lists, keeping the focus, toasts, icons.

/** An element. `html` is markup that the server has escaped; everything else is text. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "html") node.innerHTML = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Make the container's children those of `items`, in order: `{key, version, make}`. A child whose
 * version has not changed stays as it is, with its focus, scroll position and open menus.
 */
export function patch(container, items) {
  const before = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const focused = focusWithin(container);
  let at = container.firstElementChild;
  for (const { key, version, make } of items) {
    let child = before.get(key);
    before.delete(key);
    if (!child || child.version !== version) {
      const fresh = make();
      fresh.dataset.key = key;
      fresh.version = version;
      if (child) {
        keepOpen(child, fresh);
        if (at === child) at = child.nextElementSibling;
        child.replaceWith(fresh);
      }
      child = fresh;
    }
    if (child === at) at = at.nextElementSibling;
    else if (child.nextElementSibling !== at || child.parentElement !== container) {
      container.insertBefore(child, at);
    }
  }
  for (const child of before.values()) child.remove();
  restoreFocus(container, focused);
}

/** The `data-focus` name of the focused element in the container; null when none is focused. */
export function focusWithin(container) {
  const active = document.activeElement;
  return active && container.contains(active) ? (active.dataset.focus ?? "") : null;
}

/** Focus the element that now has that name. */
export function restoreFocus(container, name) {
  if (name === null || container.contains(document.activeElement)) return;
  if (name) container.querySelector(`[data-focus="${CSS.escape(name)}"]`)?.focus();
}

function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll("details[data-open]")) {
    const same = fresh.querySelector(`details[data-open="${CSS.escape(details.dataset.open)}"]`);
    if (same) same.open = details.open;
  }
}

/** A short notice that goes away by itself. */
export function toast(text) {
  const node = h("div", { class: "toast" }, text);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 6000);
}

const ICONS = {
  hash: '<path d="M6.5 2.5 4.5 13.500M11.5 2.5 9.5 13.500M2.5 5.800h11M2 10.300h11"/>',
  reply: '<path d="M2.5 3h11v8h-6l-3 2.500V11h-2z"/>',
  close: '<path d="M4 4l8 8M12 4l-8 8"/>',
  more: '<g fill="currentColor" stroke="none"><circle cx="3.5" cy="8" r="1.3"/><circle cx="8" cy="8" r="1.3"/><circle cx="12.5" cy="8" r="1.3"/></g>',
  send: '<path d="M2.5 3l11 5-11 5 1.5-5zM4 8h5" />',
  menu: '<path d="M2.5 4.500h11M2.5 8h11M2.5 11.500h11"/>',
  eye: '<path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.8"/>',
  edit: '<path d="M3 13l.6-2.7 7-7 2.1 2.1-7 7z"/>',
  bin: '<path d="M3 4.500h10M6.5 4V2.800h3V4M4.3 4.500l.6 8.700h6.200l.6-8.7"/>',
  file: '<path d="M4 1.800h5l3 3v9.400H4zM9 1.800v3h3"/>',
  people: '<circle cx="8" cy="5.2" r="2.4"/><path d="M3.2 13.500c.4-3 2.3-4.5 4.8-4.500s4.4 1.5 4.8 4.5"/>',
  theme: '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.500a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>',
};

/** A decorative icon, hidden from screen readers. */
export function icon(name) {
  const node = h("span", { class: "icon", "aria-hidden": "true" });
  node.innerHTML = `<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${ICONS[name]}</svg>`;
  return node;
}
