/** The stage: the clip, or its live preview, or a word on why there is neither. */
import { createBin, el, part, say, set, show } from "../dom";
import type { Translate } from "../i18n";
import type { TakeView } from "../protocol";
import type { Actions } from "./actions";
import { createClip } from "./clip";
import { createLoop } from "./loop";
import { calmMotion, type Playable } from "./playable";
import type { Previews } from "./preview";
import { progressOf, shownTake } from "./select";
import { createNotice } from "./stage_notice";
import type { RoomState, RoomStore } from "./state";
import { heldUp } from "./wording";

export interface StageOptions {
  t: Translate;
  store: RoomStore;
  previews: Previews;
  actions: Actions;
  /** Something that the transport shows has changed. */
  onChange(): void;
}

/** What fills the stage. */
type Picture = "none" | "preview" | "clip";

export function createStage({ t, store, previews, actions, onChange }: StageOptions) {
  const bin = createBin();
  const root = part("stage");
  const canvas = el("canvas", { "aria-hidden": "true" });
  const video = el("video", { playsinline: true, preload: "auto", tabindex: -1 });
  const live = el(
    "span",
    { class: "pill live" },
    el("span", { class: "pulse", "aria-hidden": "true" }),
    t("live_preview"),
  );
  const name = el("span", { class: "pill" });
  const note = el("span", { class: "pill" });
  const left = el("span", { class: "pill" });
  const steps = el("div", { class: "steps", role: "progressbar", "aria-label": t("steps_name") });
  const notice = createNotice(t, actions, () => clip.reload());
  root.append(
    video,
    canvas,
    notice.element,
    el("div", { class: "over" }, live, name, note, el("span", { class: "grow" }), left),
    steps,
  );

  const loop = createLoop(canvas, previews);
  const clip = createClip(video, { onChange, onReady: () => ready(), onMissing: () => missing() });
  let picture: Picture = "none";
  let broken = false;
  let take: TakeView | null = null;
  /** The running take that is watched; when it is done its clip follows without a gap. */
  let watched: string | null = null;

  function fill(next: Picture): void {
    picture = next;
    set(root, "data-picture", next);
  }

  function ready(): void {
    broken = false;
    if (take?.state !== "done") return;
    fill("clip");
    previews.show(null);
    const mine = take.requested_by?.id === store.get().you.id;
    if (watched === take.id && mine && !calmMotion()) clip.playable.play();
    watched = null;
    render(store.get());
    onChange();
  }

  function missing(): void {
    broken = true;
    fill("none");
    render(store.get());
  }

  function render(state: RoomState): void {
    take = shownTake(state, state.shotId);
    const running = take?.state === "running" ? take : null;
    if (running !== null) watched = running.id;
    else if (take?.id !== watched) watched = null;
    if (take?.state === "done") showClip(take);
    else showPreview(running);
    renderOver(state);
    notice.render({ state, take, pictures: picture !== "none", broken });
  }

  /** The last preview stays in view until the clip's first picture is there. */
  function showClip(done: TakeView): void {
    const source = { url: done.clip_url, poster: done.poster_url, frames: done.frames, rateHz: done.rate_hz };
    if (!clip.load(source)) return;
    const bridged = watched === done.id && previews.pictures() !== null;
    if (!bridged) previews.show(null);
    broken = false;
    fill(bridged ? "preview" : "clip");
  }

  function showPreview(running: TakeView | null): void {
    clip.load(null);
    broken = false;
    previews.show(running?.id ?? null);
    fill(running !== null && previews.pictures() !== null ? "preview" : "none");
  }

  function renderOver(state: RoomState): void {
    const running = take?.state === "running" ? take : null;
    show(live, running !== null);
    show(name, take !== null);
    if (take !== null) say(name, `${t("take_n", { n: take.number })} · ${t(take.quality)}`);
    const words = running === null ? "" : heldUp(t, running);
    show(note, words !== "");
    say(note, words);
    const progress = running === null ? null : progressOf(state, running);
    renderSteps(progress?.step ?? 0, progress?.steps ?? 0);
    const seconds = running?.error_code === "" ? Math.ceil((progress?.leftMs ?? 0) / 1000) : 0;
    show(left, seconds > 0);
    say(left, t("line_left", { n: seconds }));
  }

  function renderSteps(step: number, count: number): void {
    show(steps, count > 0);
    while (steps.childElementCount < count) steps.append(el("i"));
    while (steps.childElementCount > count) steps.lastElementChild?.remove();
    [...steps.children].forEach((one, index) => one.classList.toggle("done", index < step));
    set(steps, "aria-valuemin", 0);
    set(steps, "aria-valuemax", count);
    set(steps, "aria-valuenow", step);
  }

  bin.listen(video, "click", () => (clip.playable.playing() ? clip.playable.pause() : clip.playable.play()));
  bin.add(store.subscribe(render));
  bin.add(loop.dispose);
  bin.add(clip.dispose);

  return {
    video,
    /** What can be played now; null while the stage is empty. */
    playable: (): Playable | null => (picture === "clip" ? clip.playable : picture === "preview" ? loop : null),
    take: (): TakeView | null => take,
    /** Pictures of the take on stage have come. */
    refresh(): void {
      if (take?.state === "running") fill("preview");
      loop.refresh();
      notice.render({ state: store.get(), take, pictures: picture !== "none", broken });
      onChange();
    },
    fullscreen(): void {
      if (!document.fullscreenEnabled) return;
      const done = document.fullscreenElement === null ? root.requestFullscreen() : document.exitFullscreen();
      done.catch(() => undefined); // the browser may say no; nothing has changed then
    },
    dispose: bin.dispose,
  };
}
export type Stage = ReturnType<typeof createStage>;
