// Entry point: draws the panes after every change, and handles global clicks and keys.

import { closeThread, draw as drawWorkspace, followLink } from "./channel.js";
import { draw as drawCrew } from "./crew.js";
import { draw as drawModal } from "./modal.js";
import { draw as drawOutage } from "./outage.js";
import { actAs, ui, subscribe } from "./store.js";

subscribe(() => {
  drawOutage();
  drawWorkspace();
  drawCrew();
  drawModal();
});

document.addEventListener("click", followLink);
document.addEventListener("click", (event) => {
  // A click outside the drawer closes it.
  if (!event.target.closest("#sidebar, .drawer-button")) document.body.classList.remove("drawer");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (document.querySelector("dialog[open], :popover-open")) return;
  if (document.body.classList.contains("drawer")) document.body.classList.remove("drawer");
  else if (ui.thread && event.target.closest?.("#thread")) closeThread();
});

for (const button of document.querySelectorAll("#switch button")) {
  button.addEventListener("click", () => {
    document.body.dataset.pane = button.dataset.pane;
    for (const other of document.querySelectorAll("#switch button")) {
      other.setAttribute("aria-pressed", `${other === button}`);
    }
  });
}

document.body.dataset.pane = "slack";
actAs(ui.person || "U0ANA");
