/** How the selected take was made. */
import { el } from "../dom";
import type { Key, Translate } from "../i18n";
import type { ChoiceView, OfferView, TakeView } from "../protocol";
import { shownTake } from "./select";
import { seconds } from "./settings";
import type { RoomState, RoomStore } from "./state";
import { takeState } from "./wording";

const KB = 1000;

export function createFacts(t: Translate, store: RoomStore) {
  const element = el("div", { class: "facts" });
  let shown = "";

  function render(): void {
    const state = store.get();
    const take = shownTake(state, state.shotId);
    const facts = take === null ? [] : factsOf(t, state, take);
    const key = JSON.stringify(facts);
    if (key === shown) return;
    shown = key;
    const list = el(
      "dl",
      {},
      ...facts.map(([name, value]) => el("div", { class: `fact ${name}` }, el("dt", {}, t(name)), el("dd", {}, value))),
    );
    element.replaceChildren(
      ...(take === null
        ? [el("p", { class: "faint empty" }, t("no_take"))]
        : [el("h3", {}, t("take_n", { n: take.number })), list]),
    );
  }
  return { element, render };
}

/** Every fact that is known, in order of interest. */
export function factsOf(t: Translate, state: RoomState, take: TakeView): [Key, string][] {
  const facts: [Key, string][] = [
    ["fact_error", take.error_message],
    ["fact_prompt", take.prompt],
    ["fact_model_prompt", take.model_prompt],
    ["fact_state", takeState(t, state, take)],
    ["fact_settings", settingsLine(t, state.offer, take)],
    ["fact_seed", String(take.seed)],
    ["fact_model", take.model],
    ["fact_picture", `${take.width}×${take.height} · ${lengthLine(t, state, take)}`],
    ["fact_by", take.requested_by?.name ?? ""],
    ["fact_when", take.requested_by === null ? "" : t.time(take.created_at)],
    ["fact_render", take.render_ms > 0 ? t("seconds", { n: t.number(take.render_ms / 1000, 1) }) : ""],
    ["fact_size", take.clip_size_bytes > 0 ? bytes(t, take.clip_size_bytes) : ""],
    ["fact_sha", take.clip_sha256],
  ];
  return facts.filter(([, value]) => value !== "");
}

function lengthLine(t: Translate, state: RoomState, take: TakeView): string {
  const rateHz = take.rate_hz || (state.offer?.rate_hz ?? 0);
  return `${seconds(t, take.frames, rateHz)} · ${rateHz} fps`;
}

function settingsLine(t: Translate, offer: OfferView | null, take: TakeView): string {
  const label = (list: readonly ChoiceView[] | undefined, id: string) =>
    list?.find((one) => one.id === id)?.label ?? id;
  const chosen = [label(offer?.styles, take.style), label(offer?.lights, take.light), label(offer?.paces, take.pace)];
  return [t(take.quality), ...chosen.filter((one) => one !== "")].join(" · ");
}

function bytes(t: Translate, size: number): string {
  return size < KB * KB
    ? t("bytes_kb", { n: t.number(size / KB) })
    : t("bytes_mb", { n: t.number(size / (KB * KB), 1) });
}
