/** Play, seek by waveform, time code, sound, loop. Positions are frame numbers. */
import { createBin, el, part, say, set, show } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";
import type { Playable } from "./playable";
import type { Stage } from "./stage";
import { clampFrame, timecode } from "./timecode";
import { createWaveform } from "./waveform";

const SOUND_KEY = "rushes:sound";
const NO_LEVELS: readonly number[] = [];

export function createTransport({ t, stage }: { t: Translate; stage: Stage }) {
  const bin = createBin();
  const playIcon = el("span", { class: "swap" }, icon("play"), icon("pause"));
  const play = el(
    "button",
    { type: "button", class: "play", "aria-keyshortcuts": "Space K" },
    playIcon,
    el("kbd", {}, t("key_space")),
  );
  const head = el("span", { class: "head" });
  const track = el("div", {
    class: "wave",
    role: "slider",
    tabindex: 0,
    "aria-label": t("position"),
    "aria-valuemin": 0,
  });
  const wave = createWaveform();
  track.append(wave.element, head);
  const clock = el("span", { class: "clock" });
  const sound = createSound(t, stage.video);
  const loop = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("loop"), title: t("loop"), "aria-pressed": "false" },
    icon("loop"),
  );
  const full = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("fullscreen"), title: t("fullscreen"), "aria-keyshortcuts": "F" },
    icon("full"),
  );
  part("transport").append(play, track, clock, sound.element, loop, full);
  let request = 0;

  function render(): void {
    const playable = stage.playable();
    const take = stage.take();
    const playing = playable?.playing() ?? false;
    play.classList.toggle("playing", playing);
    set(play, "aria-label", t(playing ? "pause" : "play"));
    set(play, "disabled", playable === null);
    set(full, "disabled", playable === null);
    show(full, document.fullscreenEnabled);
    show(sound.element, playable?.sound ?? true);
    wave.render(playable?.sound === true ? (take?.waveform ?? NO_LEVELS) : NO_LEVELS);
    renderPosition(playable);
    if (playing && request === 0) request = requestAnimationFrame(follow);
  }

  function follow(): void {
    request = 0;
    const playable = stage.playable();
    if (playable?.playing()) {
      renderPosition(playable);
      request = requestAnimationFrame(follow);
    } else render();
  }

  function renderPosition(playable: Playable | null): void {
    const frames = playable?.frames ?? 0;
    const rateHz = playable?.rateHz ?? 0;
    const frame = playable?.frame() ?? 0;
    const at = timecode(frame, rateHz);
    const of = timecode(frames, rateHz);
    say(clock, `${at} / ${of}`);
    show(head, playable !== null);
    head.style.left = `${frames > 1 ? (frame / (frames - 1)) * 100 : 0}%`;
    set(track, "aria-valuemax", Math.max(0, frames - 1));
    set(track, "aria-valuenow", frame);
    set(track, "aria-valuetext", t("position_text", { at, of }));
    set(track, "aria-disabled", playable === null ? "true" : null);
  }

  function toggle(): void {
    const playable = stage.playable();
    if (playable?.playing()) playable.pause();
    else playable?.play();
    render();
  }

  function seek(frame: (playable: Playable) => number): void {
    const playable = stage.playable();
    if (playable === null) return;
    playable.seek(clampFrame(frame(playable), playable.frames));
    render();
  }

  function step(frames: number): void {
    stage.playable()?.pause();
    seek((playable) => playable.frame() + frames);
  }

  /** By whole seconds, playing on if it plays. */
  function skip(seconds: number): void {
    seek((playable) => playable.frame() + seconds * playable.rateHz);
  }

  function point(event: PointerEvent): void {
    const box = track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    seek((playable) => Math.round(share * (playable.frames - 1)));
  }

  function sliderKey(event: KeyboardEvent): void {
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => step(-1),
      ArrowUp: () => step(1),
      PageDown: () => skip(-1),
      PageUp: () => skip(1),
      Home: () => seek(() => 0),
      End: () => seek((playable) => playable.frames - 1),
    };
    const move = event.altKey ? undefined : moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  }

  bin.listen(play, "click", toggle);
  bin.listen(full, "click", () => stage.fullscreen());
  bin.listen(loop, "click", () => {
    stage.video.loop = !stage.video.loop;
    set(loop, "aria-pressed", String(stage.video.loop));
  });
  bin.listen(track, "keydown", sliderKey);
  bin.listen(track, "pointerdown", (event) => {
    track.setPointerCapture(event.pointerId);
    point(event);
  });
  bin.listen(track, "pointermove", (event) => {
    if (track.hasPointerCapture(event.pointerId)) point(event);
  });
  bin.add(() => cancelAnimationFrame(request));
  bin.add(sound.dispose);
  render();

  return { render, toggle, step, skip, dispose: bin.dispose };
}

interface SoundChoice {
  volume: number;
  muted: boolean;
}

function remembered(): SoundChoice {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(SOUND_KEY) ?? "{}") as Partial<SoundChoice>;
    return { volume: Math.min(1, Math.max(0, Number(volume ?? 1))), muted: muted === true };
  } catch {
    return { volume: 1, muted: false };
  }
}

function createSound(t: Translate, video: HTMLVideoElement) {
  const bin = createBin();
  const mute = el(
    "button",
    { type: "button", class: "bare sound" },
    el("span", { class: "swap" }, icon("sound"), icon("mute")),
  );
  const level = el("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": t("volume") });
  const element = el("span", { class: "volume" }, mute, level);
  const choice = remembered();
  video.volume = choice.volume;
  video.muted = choice.muted;

  function render(): void {
    const silent = video.muted || video.volume === 0;
    mute.classList.toggle("playing", silent);
    const name = t(silent ? "unmute" : "mute");
    set(mute, "aria-label", name);
    set(mute, "title", name);
    level.value = String(video.muted ? 0 : video.volume);
    localStorage.setItem(SOUND_KEY, JSON.stringify({ volume: video.volume, muted: video.muted }));
  }

  bin.listen(mute, "click", () => {
    const silent = video.muted || video.volume === 0;
    video.muted = !silent;
    if (silent && video.volume === 0) video.volume = 1;
  });
  bin.listen(level, "input", () => {
    video.muted = false;
    video.volume = Number(level.value);
  });
  bin.listen(video, "volumechange", render);
  render();
  return { element, dispose: bin.dispose };
}
