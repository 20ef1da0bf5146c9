/** Says changes of takes to screen readers, politely; steps are not said. */
import { part, say } from "../dom";
import type { Key, Translate } from "../i18n";
import type { TakeChanged } from "../protocol";

const HEARD: Readonly<Record<TakeChanged["type"], Key>> = {
  "take.queued": "heard_queued",
  "take.started": "heard_started",
  "take.stalled": "heard_stalled",
  "take.retried": "heard_retried",
  "take.cancelling": "heard_cancelling",
  "take.cancelled": "heard_cancelled",
  "take.done": "heard_done",
  "take.failed": "heard_failed",
};

export function createAnnouncer(t: Translate) {
  const region = part("announcer");
  return (event: TakeChanged): void => say(region, t(HEARD[event.type], { n: event.take.number }));
}
