/** The dialog that makes an invitation link. */
import { createBin, el, say, set, show } from "../dom";
import type { Translate } from "../i18n";
import type { PageData } from "../page";
import { createDialog } from "./dialog";

const ROLES = ["editor", "reviewer", "viewer"] as const;
type Role = (typeof ROLES)[number];

/** Told by the studio, in the reader's language; any other error is told by the browser. */
class Refusal extends Error {}

async function makeLink(page: PageData, role: Role): Promise<string> {
  const response = await fetch(page.invite_url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": page.csrf_token },
    body: JSON.stringify({ role }),
  });
  const answer = (await response.json()) as { url?: string; error?: { message?: string } | string };
  if (response.ok && typeof answer.url === "string") return new URL(answer.url, location.href).href;
  throw new Refusal(typeof answer.error === "string" ? answer.error : (answer.error?.message ?? ""));
}

export function createShare(page: PageData, t: Translate) {
  const bin = createBin();
  const choices = ROLES.map((role) => {
    const input = el("input", { type: "radio", name: "role", value: role });
    input.checked = role === "editor";
    return { role, input, element: el("label", {}, input, el("span", {}, t(`share_${role}`))) };
  });
  const make = el("button", { type: "button", class: "primary" }, t("share_make"));
  const link = el("input", { readonly: true, "aria-label": t("share_link") });
  const copy = el("button", { type: "button" }, t("share_copy"));
  const made = el("div", { class: "made", hidden: true }, link, copy);
  const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
  const dialog = createDialog(
    t,
    t("share_title"),
    el("p", { class: "muted" }, t("share_hint")),
    el("fieldset", {}, el("legend", {}, t("share_role")), ...choices.map((one) => one.element)),
    wrong,
    made,
    el("div", { class: "acts" }, make),
  );

  async function create(): Promise<void> {
    set(make, "disabled", true);
    const role = choices.find((one) => one.input.checked)?.role ?? "viewer";
    try {
      link.value = await makeLink(page, role);
      show(wrong, false);
      show(made, true);
      say(copy, t("share_copy"));
      link.focus();
      link.select();
    } catch (error) {
      say(wrong, (error instanceof Refusal && error.message) || t("share_failed"));
      show(wrong, true);
    } finally {
      set(make, "disabled", false);
    }
  }

  /** The clipboard wants a secure context and a permission; elsewhere the selected text is copied the old way. */
  async function copyLink(): Promise<void> {
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      document.execCommand("copy");
    }
    say(copy, t("share_copied"));
  }

  for (const { input } of choices) bin.listen(input, "change", () => show(made, false));
  bin.listen(make, "click", () => void create());
  bin.listen(copy, "click", () => void copyLink());
  bin.add(dialog.dispose);
  return { open: dialog.open, dispose: bin.dispose };
}
