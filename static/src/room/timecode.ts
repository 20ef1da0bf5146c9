/** Media time is a frame number and a rate. */

/** "mm:ss.ff", where ff is the frame within its second. */
export function timecode(frame: number, rateHz: number): string {
  if (rateHz <= 0) return "00:00.00";
  const seconds = Math.floor(frame / rateHz);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}.${two(frame % rateHz)}`;
}

/** "m:ss", rounded: for sums, not for positions. */
export function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The frame shown at a media time; a little past each boundary counts as the next frame. */
export function frameAt(seconds: number, rateHz: number, frames: number): number {
  return clampFrame(Math.floor(seconds * rateHz + 0.01), frames);
}

/** The middle of a frame, where no rounding of a decoder shows its neighbour. */
export function middleOf(frame: number, rateHz: number): number {
  return (frame + 0.5) / rateHz;
}

export function clampFrame(frame: number, frames: number): number {
  return Math.min(Math.max(0, frame), Math.max(0, frames - 1));
}
