// Entering a call: suggestions while typing, a draft that survives a reload, joining or urging an earlier ticket.

import { call, toast } from "./app.js";
import { part } from "./desk.js";

const KEPT = "desk-entry";
const form = document.getElementById("entry");
const box = document.getElementById("suggestions");
const fields = [...form.elements].filter((one) => one.name);
let asking = null;
let waiting = 0;
let join = "";

function keep() {
  const draft = {};
  for (const one of fields) {
    if (one.type === "radio") {
      if (one.checked) draft[one.name] = one.value;
    } else draft[one.name] = one.type === "checkbox" ? one.checked : one.value;
  }
  sessionStorage.setItem(KEPT, JSON.stringify(draft));
  document.getElementById("entry-kept").textContent = "草稿已保存在本页";
}

function restore() {
  const draft = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!draft) return;
  for (const one of fields) {
    if (!(one.name in draft)) continue;
    if (one.type === "radio") one.checked = one.value === draft[one.name];
    else if (one.type === "checkbox") one.checked = draft[one.name];
    else one.value = draft[one.name];
  }
  document.getElementById("entry-kept").textContent = "已恢复上次没有提交的内容";
}

async function suggest() {
  asking?.abort();
  asking = new AbortController();
  const call = {
    source: form.elements.source.value,
    content: form.elements.content.value,
    address: form.elements.address.value,
    phone: form.elements["reporter.phone"].value,
    category: form.elements.category.value,
  };
  try {
    box.innerHTML = await part("/desk/new/suggestions", {
      method: "POST",
      body: JSON.stringify(call),
      headers: { "Content-Type": "application/json" },
      signal: asking.signal,
    });
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message, true);
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(suggest, 400);
}

form.addEventListener("input", () => {
  keep();
  soon();
});

box.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.place) {
    form.elements.address.value = button.dataset.place;
    keep();
    soon();
  } else if (button.dataset.category) {
    form.elements.category.value = button.dataset.category;
    form.querySelector("details").open = true;
    keep();
    soon();
  } else if (button.dataset.join) {
    join = button.dataset.join;
    form.requestSubmit();
  } else if (button.dataset.urge) await urge(button);
});

async function urge(button) {
  button.disabled = true;
  const said = form.elements.content.value.trim();
  const key = { "Idempotency-Key": `${form.elements.source_no.value}-urge` };
  try {
    await call("POST", `/api/v1/tickets/${button.dataset.urge}/urge`, { note: `来电催办${said ? `：${said}` : ""}` }, key);
    sessionStorage.removeItem(KEPT);
    toast("已催办，没有另立工单", false, true);
    location.assign(`/desk/${button.dataset.urge}`);
  } catch (problem) {
    toast(problem.message, true);
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  if (event.submitter) join = ""; // the form's own button: what was to be joined before is not any more
});

form.addEventListener("sent", async (event) => {
  sessionStorage.removeItem(KEPT);
  const no = event.detail.ticket_no;
  let next = no;
  if (join) {
    try {
      await call("POST", `/api/v1/tickets/${no}/merge`, { into: join, note: "录入时并入" });
      next = join;
    } catch (problem) {
      toast(`已受理，但没有并入：${problem.message}`, true, true);
    }
  }
  location.assign(`/desk/${next}`);
});

document.getElementById("entry-clear").addEventListener("click", () => {
  sessionStorage.removeItem(KEPT);
  location.assign("/desk/new");
});

restore();
if (form.elements.content.value || form.elements["reporter.phone"].value || form.elements.address.value) suggest();
document.getElementById("entry-phone").focus();
