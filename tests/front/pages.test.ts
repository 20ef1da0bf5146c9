// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSite } from "../../static/src/pages";

let site: { dispose(): void } | undefined;

function open(html: string): void {
  document.body.innerHTML = html;
  site = createSite(document);
}

function click(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.click();
}

beforeEach(() => {
  document.documentElement.removeAttribute("data-theme");
});

afterEach(() => site?.dispose());

describe("theme", () => {
  const toggle = `<button data-theme-toggle hidden data-to-dark="Dark" data-to-light="Light"></button>`;

  it("offers the other theme, changes it, and remembers it in a cookie", () => {
    document.documentElement.dataset["theme"] = "dark";
    open(toggle);
    const button = document.querySelector("button");
    expect(button?.hidden).toBe(false);
    expect(button?.textContent).toBe("Light");
    button?.click();
    expect(document.documentElement.dataset["theme"]).toBe("light");
    expect(button?.textContent).toBe("Dark");
    expect(document.cookie).toContain("theme=light");
  });

  it("lets go of the page when it is disposed of", () => {
    document.documentElement.dataset["theme"] = "dark";
    open(toggle);
    site?.dispose();
    click("button");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
  });
});

describe("dialogs", () => {
  const dialog = `<a href="#d" data-dialog="d">Open</a><dialog id="d"><a href="#" data-close>Cancel</a></dialog>`;

  it("opens by its link and closes by its own", () => {
    open(dialog);
    click("[data-dialog]");
    expect(document.querySelector("dialog")?.open).toBe(true);
    click("[data-close]");
    expect(document.querySelector("dialog")?.open).toBe(false);
  });
});

describe("errors", () => {
  it("puts the focus on the summary of what is wrong", () => {
    open(`<div data-summary tabindex="-1">Email: missing</div>`);
    expect(document.activeElement?.textContent).toBe("Email: missing");
  });
});

describe("samples", () => {
  it("get one named button instead of the browser's controls", () => {
    open(`<figure data-player data-play="Play it" data-pause="Pause it"><video controls></video></figure>`);
    expect(document.querySelector("video")?.controls).toBe(false);
    expect(document.querySelector(".play")?.getAttribute("aria-label")).toBe("Play it");
  });
});
