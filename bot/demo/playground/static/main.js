// Where the page begins: everything below is drawn from what the server says.

import { closeThread, draw as drawWorkspace, follow } from "./channel.js";
import { draw as drawCrew } from "./crew.js";
import { draw as drawModal } from "./modal.js";
import { become, ui, watch } from "./store.js";

watch(() => {
  drawWorkspace();
  drawCrew();
  drawModal();
});

document.addEventListener("click", follow);
document.addEventListener("click", (event) => {
  // Beside the drawer is out of it.
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
become(ui.person || "U0ANA");
