// Leaving (退出) from any page: nothing that a handler entered or read stays on the phone. What is not sent yet is asked about.

import { forget, unsent } from "./brigade-store.js";

/** Whether to leave; clears the phone when so. */
export async function leave() {
  const known = await indexedDB.databases?.();
  const mayHold = known === undefined || known.some((one) => one.name === "brigade");
  if (mayHold) {
    const count = await unsent();
    if (count && !window.confirm(`本机还有 ${count} 条内容没有发送，退出后会被清除。仍要退出吗？`)) return false;
  }
  await forget();
  return true;
}
