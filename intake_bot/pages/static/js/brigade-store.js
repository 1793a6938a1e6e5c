// What a handler entered, on the phone itself (IndexedDB): entries that wait to be sent, and forms that are not finished.
// Each belongs to an account. Leaving (退出) clears all of it.

const NAME = "brigade";
const CACHES = ["brigade-pages"];

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("entries", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("drafts", { keyPath: ["account", "no", "form"] });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => {
        request.result.close();
        opened = undefined;
      };
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function within(store, mode, work) {
  const transaction = (await open()).transaction(store, mode);
  const result = await settled(work(transaction.objectStore(store)));
  if (mode === "readwrite") {
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
  return result;
}

/** All entries of an account in the order in which they were made. Without an account: of everybody. */
export async function entriesOf(account) {
  const all = await within("entries", "readonly", (store) => store.getAll());
  return account === undefined ? all : all.filter((one) => one.account === account);
}

/** Keep a new entry, or an old one as it is now; gives its id. It is on the phone's disk when this resolves. */
export const keepEntry = (entry) => within("entries", "readwrite", (store) => store.put(entry));
export const dropEntry = (id) => within("entries", "readwrite", (store) => store.delete(id));

export const draftOf = (account, no, form) => within("drafts", "readonly", (store) => store.get([account, no, form]));
export const keepDraft = (draft) => within("drafts", "readwrite", (store) => store.put(draft));
export const dropDraft = (account, no, form) => within("drafts", "readwrite", (store) => store.delete([account, no, form]));

/** How many entries have not reached the service. */
export async function unsent(account) {
  return (await entriesOf(account)).filter((one) => one.state !== "sent").length;
}

/** Nothing of anybody stays: entries, unfinished forms, pages that were kept for reading. */
export async function forget() {
  for (const name of CACHES) await globalThis.caches?.delete(name);
  if (opened) (await opened).close();
  opened = undefined;
  localStorage.removeItem("brigade-account");
  sessionStorage.clear(); // a call that was being entered, with the caller's number
  const gone = settled(indexedDB.deleteDatabase(NAME));
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 2_000))]); // another tab may be slow to let go
}

/** Pages that were kept belong to whoever was signed in then: another account's are removed. */
export async function keepPagesOf(account) {
  if (localStorage.getItem("brigade-account") === account) return;
  if (localStorage.getItem("brigade-account") !== null) for (const name of CACHES) await globalThis.caches?.delete(name);
  localStorage.setItem("brigade-account", account);
}
