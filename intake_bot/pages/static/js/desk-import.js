// Bulk import: the chosen file is sent to be looked through, and once more to be taken in. It is not kept anywhere between.

import { part } from "./desk.js";
import { toast } from "./app.js";

const form = document.getElementById("import");
const preview = document.getElementById("preview");
const state = document.getElementById("import-state");
let file = null;
let channel = "";

function send(step) {
  const query = new URLSearchParams({ name: file.name, ...(channel ? { channel } : {}) });
  const type = { "Content-Type": "application/octet-stream" };
  return part(`/desk/import/${step}?${query}`, { method: "POST", body: file, headers: type });
}

async function busy(words, work) {
  const buttons = document.querySelectorAll("main button");
  for (const one of buttons) one.disabled = true;
  state.textContent = words;
  try {
    await work();
  } catch (error) {
    toast(error.message, true);
  } finally {
    state.textContent = "";
    for (const one of buttons) one.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  file = document.getElementById("import-file").files[0];
  channel = form.elements.channel.value;
  preview.replaceChildren();
  busy("正在读取……", async () => {
    preview.innerHTML = await send("preview");
  });
});

preview.addEventListener("click", (event) => {
  if (event.target.closest("[data-take]")) {
    busy("正在导入，请不要关闭本页……", async () => {
      preview.innerHTML = await send("take");
    });
  } else if (event.target.closest("[data-refusals]")) {
    busy("正在整理退回清单……", async () => save(await send("refusals")));
  }
});

function save(text) {
  const link = document.createElement("a");
  // The byte order mark, which reading as text has taken off, tells a spreadsheet that it is UTF-8.
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${file.name.replace(/\.[^.]*$/, "")}-退回.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
