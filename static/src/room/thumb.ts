/** A small still with a progress bar: in the storyboard and in the strip of takes. */
import { el, set, show } from "../dom";

export function createThumb() {
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", hidden: true });
  const fill = el("i");
  const bar = el("span", { class: "bar", hidden: true }, fill);
  const element = el("span", { class: "thumb" }, image, bar);
  return {
    element,
    /** ``progress`` null hides the bar. */
    render(url: string, progress: number | null): void {
      if (url !== "") set(image, "src", url);
      show(image, url !== "");
      show(bar, progress !== null);
      fill.style.width = `${Math.round((progress ?? 0) * 100)}%`;
    },
  };
}
