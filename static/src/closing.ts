/** What a close code means for a page: come back, come back later, or stay away. */
import { CLOSE_CODES } from "./protocol";

/** After these the server would only refuse again. */
const FINAL: readonly number[] = [
  CLOSE_CODES.bad_update,
  CLOSE_CODES.revoked,
  CLOSE_CODES.not_found,
  CLOSE_CODES.stale_epoch,
  CLOSE_CODES.read_only,
];

/** Until the answer to the tab that changed the password has come, and with it the new cookie. */
export const NEW_SESSION_MS = 2_000;

export type Closing = "final" | "doubted" | "passing";

/**
 * Reads the close codes of one kind of socket. A session that has ended is believed at the second time: somebody who
 * keeps their account or changes their password in one tab has a new session, which their other tabs ask with.
 */
export function createClosing() {
  let doubted = false;
  return {
    read(code: number): Closing {
      if (code !== CLOSE_CODES.unauthenticated) return FINAL.includes(code) ? "final" : "passing";
      if (doubted) return "final";
      doubted = true;
      return "doubted";
    },
    /** The server let this page in. */
    admitted(): void {
      doubted = false;
    },
  };
}
