// What a supervisor does on the board's pages: press, rule on a request, choose, print. Without it the buttons lead to the desk.

/** Fill a dialog's form with whose ticket it is and show it. A form that was meant for another ticket forgets what it was. */
function open(dialog, no, action, words) {
  const form = dialog.querySelector("form");
  form.reset();
  delete form.dataset.key;
  delete form.dataset.version;
  for (const wrong of form.querySelectorAll(".field-wrong")) wrong.classList.remove("field-wrong");
  form.dataset.api = `POST /api/v1/tickets/${encodeURIComponent(no)}/${action}`;
  form.querySelector("[data-subject]").textContent = words;
  dialog.showModal();
  form.querySelector("textarea, select, input:not([type=hidden])").focus();
  return form;
}

document.addEventListener("click", (event) => {
  const press = event.target.closest("[data-press]");
  const rule = event.target.closest("[data-rule]");
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (press) {
    event.preventDefault();
    open(document.getElementById("press"), press.dataset.press, "press", `工单 ${press.dataset.press}`);
  } else if (rule) {
    event.preventDefault();
    const dialog = document.getElementById(`rule-${rule.dataset.rule}`);
    const { no, position, version, words } = rule.dataset;
    const form = open(dialog, no, dialog.querySelector("form").dataset.action, `工单 ${no}：${words}`);
    form.dataset.version = version;
    form.elements.namedItem("assignment").value = position;
    const desk = form.querySelector("[data-desk]");
    if (desk) desk.href = `/desk/${encodeURIComponent(no)}`;
  }
});

// What was done shows at once: in the live part of the board, or by reading the list again.
document.addEventListener("sent", (event) => {
  if (event.target.dataset.then) return;
  const now = document.getElementById("now");
  if (now && window.htmx) window.htmx.trigger(now, "refresh");
  else location.reload();
});

for (const form of document.querySelectorAll("form[data-sends-itself]")) {
  form.addEventListener("change", () => form.requestSubmit());
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
