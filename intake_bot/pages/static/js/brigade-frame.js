// What the handler's pages share: forms go into the phone's queue, the line that says what waits, large letters, the worker.

import { formData, toast } from "./app.js";
import { account, discard, enter, hindrance, queue, send } from "./brigade-queue.js";
import { draftOf, dropDraft, entriesOf, keepDraft, keepPagesOf } from "./brigade-store.js";

/** What a page does before a form of an action is entered: gives {photos} to add, or {stay: true} to stay in the form. */
export const beforeEntry = new Map();
const STATES = { waiting: "待发送", sent: "已发送", refused: "被拒" };
const CLOCK = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

export const element = (name, className = "", words = "") => {
  const one = document.createElement(name);
  if (className) one.className = className;
  one.textContent = words;
  return one;
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-queue]")) return;
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  try {
    const added = (await beforeEntry.get(form.dataset.queue)?.(form)) ?? {};
    if (added.stay) return;
    const id = form.dataset.entry ? Number(form.dataset.entry) : undefined;
    const { no, queue: action, label } = form.dataset;
    await enter({ id, no, action, label, body: formData(form), photos: added.photos ?? [] });
    await dropDraft(account, no, form.dataset.draft ?? action);
    delete form.dataset.entry;
    form.reset();
    form.dispatchEvent(new CustomEvent("entered", { bubbles: true }));
    form.closest("dialog")?.close();
  } catch {
    toast("内容没有存入本机，请不要关闭本页，稍后再试", true);
  } finally {
    for (const one of buttons) one.disabled = false;
  }
});

/** What is typed survives a closed page: it is there again when the form is opened anew. */
export async function keepDrafts() {
  for (const form of document.querySelectorAll("dialog form[data-queue]")) {
    const name = (form.dataset.draft = form.closest("dialog").id);
    const draft = await draftOf(account, form.dataset.no, name);
    if (draft) fill(form, draft.fields);
    let timer;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => keepDraft({ account, no: form.dataset.no, form: name, fields: formData(form) }), 400);
    });
    form.addEventListener("submit", () => clearTimeout(timer), true);
  }
}

/** Put kept values back into a form. */
export function fill(form, fields) {
  for (const [name, value] of Object.entries(fields ?? {})) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = String(value);
  }
}

/** An entry as people read it: what, when, its state, why it was refused, what can be done about it. */
export function entryRow(entry, here = false) {
  const row = element("li", `entry entry-${entry.state}`);
  const head = element("p", "entry-head");
  head.append(element("strong", "", entry.label), element("span", "entry-state", STATES[entry.state]));
  row.append(head, element("p", "hint numbers", `${entry.no} · ${CLOCK.format(entry.made)}`));
  if (entry.message) row.append(element("p", "entry-why", entry.message));
  const words = Object.values(entry.body ?? {}).filter((one) => typeof one === "string").join("；");
  if (words) row.append(element("p", "entry-words", words));
  if (entry.photos?.length) row.append(element("p", "hint", `照片 ${entry.photos.length} 张`));
  if (entry.state === "sent") return row;
  const acts = element("div", "row");
  if (entry.state === "refused") {
    const mend = element("a", "button button-small", "修改后重发");
    mend.href = `/brigade/${encodeURIComponent(entry.no)}?entry=${entry.id}`;
    if (here) mend.dataset.mend = entry.id;
    acts.append(mend);
  }
  const drop = element("button", "button button-small button-danger", entry.state === "refused" ? "不再发送" : "撤回");
  drop.type = "button";
  drop.addEventListener("click", () => window.confirm(`不再发送这条“${entry.label}”？填写的内容会从本机删除。`) && discard(entry.id));
  acts.append(drop);
  row.append(acts);
  return row;
}

async function showUnsent() {
  const own = await entriesOf(account);
  const waiting = own.filter((one) => one.state === "waiting").length;
  const refused = own.filter((one) => one.state === "refused").length;
  const line = document.getElementById("unsent");
  const parts = [];
  if (waiting) parts.push(`待发送 ${waiting} 条`);
  if (refused) parts.push(`被拒 ${refused} 条，请处理`);
  if (waiting && hindrance) parts.push(hindrance);
  line.textContent = parts.join("，");
  line.classList.toggle("line-refused", refused > 0);
  line.hidden = !parts.length;
  const list = document.getElementById("entries");
  list.replaceChildren(...own.reverse().map((one) => entryRow(one)));
  if (!own.length) list.append(element("li", "hint", "本机没有发送记录。"));
}

queue.addEventListener("change", showUnsent);
queue.addEventListener("sent", (event) => toast(`${event.detail.label}已发送（${event.detail.no}）`, false, true));
document.getElementById("send-now").addEventListener("click", () => send());

const size = document.getElementById("size");
size.addEventListener("click", () => {
  const large = document.body.classList.toggle("large");
  size.setAttribute("aria-pressed", String(large));
  document.cookie = `text_size=${large ? "large" : "normal"}; path=/; max-age=31536000; SameSite=Lax`;
});

document.addEventListener("click", (event) => {
  const swap = event.target.closest("[data-swap]");
  if (!swap) return;
  swap.closest("dialog").close();
  document.getElementById(swap.dataset.swap).showModal();
});

addEventListener("online", () => {
  const stale = document.getElementById("stale");
  const link = element("a", "", "网络已恢复，点此显示最新内容");
  link.href = location.href;
  stale.replaceChildren(link);
});

/** Open pages stay readable without a connection. */
async function startWorker() {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  workers.addEventListener("message", (message) => {
    if (!message.data?.kept) return;
    const made = new Date(document.querySelector('meta[name="made"]').content);
    const stale = document.getElementById("stale");
    stale.textContent = `没有网络，显示的是 ${CLOCK.format(made)} 的内容`;
    stale.hidden = false;
  });
  const controlled = workers.controller !== null;
  await workers.register("/brigade/sw.js", { scope: "/brigade" });
  const worker = (await workers.ready).active;
  if (controlled) worker.postMessage({ ask: "kept" });
  else worker.postMessage({ keep: [location.pathname, ...performance.getEntriesByType("resource").map((one) => one.name)] });
}

await keepPagesOf(account);
showUnsent();
send();
startWorker().catch(() => undefined); // a browser without workers, or a private window: the pages work with a connection
