// Pictures of a result: taken or chosen, made smaller on the phone, shown before they are sent. Nothing leaves the phone here.

import { randomId, toast } from "./app.js";
import { element } from "./brigade-frame.js";

const LONGEST_SIDE = 1_600; // as the service keeps them: a larger one would only take longer to send
const QUALITY = 0.85;
const MOST = 9; // of each field

export class Shots {
  #shots = []; // {field, id, blob, url}
  #frames;

  constructor(frames) {
    this.#frames = [...frames];
    for (const frame of this.#frames) {
      for (const input of frame.querySelectorAll('input[type="file"]')) {
        input.addEventListener("change", async () => {
          const files = [...input.files];
          input.value = "";
          for (const file of files) await this.#add(frame.dataset.shots, file);
        });
      }
    }
  }

  /** What goes into the queue. */
  entries() {
    return this.#shots.map(({ field, id, blob }) => ({ field, id, blob }));
  }

  clear() {
    for (const one of this.#shots) URL.revokeObjectURL(one.url);
    this.#shots = [];
    this.#show();
  }

  /** The pictures of an entry that was refused, under new ids. */
  async restore(photos) {
    this.clear();
    for (const { field, blob } of photos) this.#keep(field, blob);
    this.#show();
  }

  async #add(field, file) {
    if (this.#shots.filter((one) => one.field === field).length >= MOST) return toast(`每组最多 ${MOST} 张照片`, true);
    this.#keep(field, await smaller(file));
    this.#show();
  }

  #keep(field, blob) {
    this.#shots.push({ field, id: randomId(), blob, url: URL.createObjectURL(blob) });
  }

  #show() {
    for (const frame of this.#frames) {
      const own = this.#shots.filter((one) => one.field === frame.dataset.shots);
      frame.querySelector(".photos").replaceChildren(...own.map((one, index) => this.#preview(one, index + 1)));
    }
  }

  #preview(shot, number) {
    const row = element("li");
    const image = element("img");
    image.src = shot.url;
    image.alt = `照片 ${number} 预览`;
    const drop = element("button", "shot-drop", "删除");
    drop.type = "button";
    drop.setAttribute("aria-label", `删除照片 ${number}`);
    drop.addEventListener("click", () => {
      URL.revokeObjectURL(shot.url);
      this.#shots = this.#shots.filter((one) => one !== shot);
      this.#show();
    });
    row.append(image, drop);
    return row;
  }
}

/** The picture no larger than it will be kept; as it is where this browser cannot read it: the service says what is wrong. */
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    if (scale === 1 && file.size < 600_000) return file;
    const canvas = element("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY));
  } catch {
    return file;
  }
}
