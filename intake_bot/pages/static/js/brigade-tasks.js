// The list: filters without a round trip, new tasks as they come in, what waits to be sent beside its task.

import { element } from "./brigade-frame.js";
import { account, queue } from "./brigade-queue.js";
import { entriesOf } from "./brigade-store.js";

const chips = document.getElementById("chips");
const tasks = () => document.getElementById("tasks");
let shown = new URLSearchParams(location.search).get("show") || "all";

function show(code) {
  shown = code;
  tasks().dataset.show = code;
  for (const one of document.querySelectorAll("#chips [data-show]")) {
    if (one.dataset.show === code) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

chips.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-show]");
  if (!chip) return;
  event.preventDefault();
  show(chip.dataset.show);
  history.replaceState(null, "", chip.getAttribute("href"));
});

const numbers = () => new Set([...document.querySelectorAll(".task")].map((one) => one.dataset.no));

/** Take the list as it is now from the service; what is new is marked and said quietly. */
async function refresh() {
  let html;
  try {
    const response = await fetch(`/brigade?show=${shown}`, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (!response.ok) return;
    html = await response.text();
  } catch {
    return; // the stream comes back with the connection, and this with it
  }
  const before = numbers();
  const page = new DOMParser().parseFromString(html, "text/html");
  tasks().replaceWith(document.adoptNode(page.getElementById("tasks")));
  for (const one of page.querySelectorAll("#chips [data-show]")) {
    chips.querySelector(`[data-show="${one.dataset.show}"] b`).textContent = one.querySelector("b").textContent;
  }
  show(shown);
  document.getElementById("stale").hidden = true;
  const fresh = [...document.querySelectorAll(".group:not(.group-finished) .task")].filter((one) => !before.has(one.dataset.no));
  for (const one of fresh) one.classList.add("task-fresh");
  if (fresh.length) {
    const line = document.getElementById("fresh");
    line.textContent = `新到任务 ${fresh.length} 件`;
    line.hidden = false;
    setTimeout(() => (line.hidden = true), 15_000);
  }
  await showEntries();
}

async function showEntries() {
  const open = (await entriesOf(account)).filter((one) => one.state !== "sent");
  for (const row of document.querySelectorAll(".task")) {
    const own = open.filter((one) => one.no === row.dataset.no);
    const line = row.querySelector(".task-unsent");
    line.hidden = !own.length;
    line.replaceChildren(...own.map((one) => element("span", `badge badge-${one.state === "refused" ? "red" : "yellow"}`, `${one.label}：${one.state === "refused" ? "被拒" : "待发送"}`)));
    const sign = row.querySelector(".task-sign");
    if (sign) sign.hidden = own.some((one) => one.action === "accept");
  }
}

let timer;
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(refresh, 600);
};

const stream = new EventSource("/api/v1/stream");
stream.addEventListener("ticket", soon);
stream.addEventListener("light", soon);
addEventListener("pagehide", () => stream.close());
queue.addEventListener("sent", soon);
queue.addEventListener("change", showEntries);
addEventListener("online", soon);
addEventListener("pageshow", (event) => event.persisted && location.reload());

show(tasks().dataset.show === "all" ? shown : tasks().dataset.show);
showEntries();
