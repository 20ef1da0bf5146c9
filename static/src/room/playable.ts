/** What the transport can drive: the final clip, or the loop of preview pictures. */
export interface Playable {
  frames: number;
  rateHz: number;
  sound: boolean;
  frame(): number;
  playing(): boolean;
  play(): void;
  pause(): void;
  seek(frame: number): void;
}

export const calmMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
