// Switches between light, dark and the system's colours.

import { h, icon } from "./dom.js";

const NEXT = { "": "light", light: "dark", dark: "" };
const WORDS = { "": "as the system", light: "light", dark: "dark" };

export function themeSwitch() {
  const node = h("button", { type: "button", class: "icon-button theme", onclick: () => choose(NEXT[current()]) }, icon("theme"));
  const label = () => {
    node.title = `Colours: ${WORDS[current()]}`;
    node.setAttribute("aria-label", node.title);
  };
  const choose = (theme) => {
    localStorage.setItem("theme", theme);
    document.documentElement.dataset.theme = theme;
    label();
  };
  label();
  return node;
}

const current = () => document.documentElement.dataset.theme ?? "";
