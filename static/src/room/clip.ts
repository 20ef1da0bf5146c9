/** The final clip in a video element, driven by frame numbers. */
import { createBin } from "../dom";
import type { Playable } from "./playable";
import { clampFrame, frameAt, middleOf } from "./timecode";

export interface ClipSource {
  url: string;
  poster: string;
  frames: number;
  rateHz: number;
}

export interface ClipOptions {
  onChange(): void;
  onReady(): void;
  onMissing(): void;
}

export function createClip(video: HTMLVideoElement, options: ClipOptions) {
  const bin = createBin();
  let source: ClipSource | null = null;
  const rateHz = (): number => source?.rateHz ?? 0;
  const frames = (): number => source?.frames ?? 0;

  for (const type of ["play", "pause", "seeked", "ended", "timeupdate"] as const)
    bin.listen(video, type, options.onChange);
  bin.listen(video, "loadeddata", options.onReady);
  bin.listen(video, "error", () => {
    if (source !== null) options.onMissing();
  });

  function play(): void {
    if (video.ended) video.currentTime = 0;
    // Refused where the browser wants a gesture first, or broken off by the next clip: the button stays at Play.
    video.play().catch(() => options.onChange());
  }

  const playable: Playable = {
    get frames() {
      return frames();
    },
    get rateHz() {
      return rateHz();
    },
    sound: true,
    frame: () => frameAt(video.currentTime, rateHz(), frames()),
    playing: () => !video.paused && !video.ended,
    play,
    pause: () => video.pause(),
    seek(to: number): void {
      if (rateHz() > 0) video.currentTime = middleOf(clampFrame(to, frames()), rateHz());
    },
  };

  return {
    playable,
    /** Show another clip, or none; says whether it is another. */
    load(next: ClipSource | null): boolean {
      if (next?.url === source?.url) return false;
      source = next;
      video.pause();
      if (next === null) {
        video.removeAttribute("src");
        video.removeAttribute("poster");
      } else {
        video.poster = next.poster;
        video.src = next.url;
      }
      video.load();
      options.onChange();
      return true;
    },
    /** After a failure: ask for the same clip again. */
    reload: (): void => video.load(),
    dispose(): void {
      bin.dispose();
      source = null;
      video.removeAttribute("src");
      video.load();
    },
  };
}
