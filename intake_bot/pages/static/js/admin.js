// The administrator's pages: what is shown once, changing a user, and a roster's preview. Everything else is a form of app.js.

import { Problem, call, toast } from "./app.js";

const SECRETS = { account: "账号", password: "一次性口令", name: "用途", token: "令牌" };
const secret = document.getElementById("secret");

/** A password or token is shown once, until the person says that it was noted; then the page shows what has changed. */
document.addEventListener("sent", (event) => {
  if (!event.target.matches("[data-secret]")) return;
  const answer = event.detail;
  const facts = document.getElementById("secret-facts");
  const shown = Object.entries(SECRETS).filter(([name]) => answer[name] && !(name === "name" && answer.password));
  facts.replaceChildren(
    ...shown.flatMap(([name, words]) => {
      const term = document.createElement("dt");
      const value = document.createElement("dd");
      term.textContent = words;
      value.textContent = answer[name];
      return [term, value];
    }),
  );
  secret.dataset.text = shown.map(([name, words]) => `${words}：${answer[name]}`).join("\n");
  secret.showModal();
});

secret.addEventListener("close", () => location.reload());
secret.addEventListener("cancel", (event) => event.preventDefault()); // Escape would lose it
secret.addEventListener("click", (event) => {
  if (event.target === secret) event.stopPropagation(); // so would a click beside it
});

secret.querySelector("[data-copy]").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(secret.dataset.text);
    toast("已复制");
  } catch {
    toast("浏览器不允许复制，请手工选取", true);
  }
});

document.addEventListener("click", (event) => {
  const edit = event.target.closest("[data-edit]");
  if (edit) {
    const form = document.getElementById("edit-user-form");
    form.dataset.api = `PUT /api/v1/users/${encodeURIComponent(edit.dataset.edit)}`;
    document.getElementById("edit-account").textContent = edit.dataset.edit;
    form.elements.name.value = edit.dataset.name;
    form.elements.role.value = edit.dataset.role;
    form.elements.unit.value = edit.dataset.unit;
    document.getElementById("edit-user").showModal();
  }
  const fresh = event.target.closest("[data-new-account]");
  if (fresh) {
    document.getElementById("new-account").value = fresh.dataset.newAccount;
    document.getElementById("add-user").showModal();
  }
});

const file = document.getElementById("roster-file");
const preview = document.getElementById("roster-preview");
const confirm = document.getElementById("roster-import");

function table(headings, rows) {
  const made = document.createElement("table");
  made.className = "table";
  const head = made.createTHead().insertRow();
  for (const words of headings) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = words;
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const words of row) line.insertCell().textContent = words;
  }
  return made;
}

function notice(tone, lines) {
  const made = document.createElement("div");
  made.className = `notice notice-${tone}`;
  for (const words of lines) {
    const line = document.createElement("p");
    line.textContent = words;
    made.append(line);
  }
  return made;
}

const moment = (written) => written.slice(0, 16).replace("T", " ");

file?.addEventListener("change", async () => {
  confirm.disabled = true;
  preview.replaceChildren();
  if (!file.files.length) return;
  try {
    const read = await call("POST", "/api/v1/absences/import?preview=true", new Blob([file.files[0]]));
    const fresh = read.rows.filter((one) => !one.known).length;
    const rows = read.rows.map((one) => [one.name, moment(one.start), moment(one.end), one.reason, one.known ? "已登记过" : "新的"]);
    preview.append(
      notice(fresh ? "good" : "warning", [`共 ${rows.length} 行，其中新的 ${fresh} 行。`]),
      table(["人员", "离岗开始", "离岗结束", "事由", "是否登记过"], rows),
    );
    confirm.disabled = !fresh;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    preview.append(notice("wrong", (problem.body.errors ?? []).map((one) => one.message).concat(problem.body.errors ? [] : [problem.message])));
  }
});

confirm?.addEventListener("click", async () => {
  confirm.disabled = true;
  try {
    const done = await call("POST", "/api/v1/absences/import", new Blob([file.files[0]]));
    toast(`已导入 ${done.added} 行`, false, true);
    location.reload();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    toast(problem.message, true);
    confirm.disabled = false;
  }
});
