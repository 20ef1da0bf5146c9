"""All that a room page tells while a test looks elsewhere."""

from dataclasses import dataclass

from playwright.sync_api import Page

# Each new text with the time on this machine's clock. What is told before is told of no fault, but for the pill's word.
LISTEN = """() => {
    const told = { pill: [], aloud: [], alerts: [] };
    const parts = [...document.querySelectorAll('[role=status], [role=alert]')];
    const read = (part) => (part.checkVisibility() ? part.textContent.split(' · ')[0] : '');
    const listOf = (part) => {
        if (part.dataset.part === 'connection') return told.pill;
        return part.role === 'alert' ? told.alerts : told.aloud;
    };
    const last = new Map(parts.map((part) => [part, read(part)]));
    const look = () => parts.forEach((part) => {
        const text = read(part);
        if (text !== '' && text !== last.get(part)) listOf(part).push([Date.now(), text]);
        last.set(part, text);
    });
    const observer = new MutationObserver(look);
    const options = { subtree: true, childList: true, characterData: true, attributes: true };
    parts.forEach((part) => observer.observe(part, options));
    window.rushesTold = told;
}"""


@dataclass(frozen=True)
class Told:
    """What was told since ``listen``, in the order in which it came; the pill's words with their times in seconds."""

    pill: list[tuple[float, str]]
    aloud: list[str]
    alerts: list[str]

    @property
    def words(self) -> list[str]:
        """What the pill has changed to."""
        return [text for _, text in self.pill]

    def first_s(self, word: str) -> float:
        """When the pill first said a word, by the machine's clock."""
        return next(at for at, text in self.pill if text == word)


def listen(page: Page) -> None:
    """Note from now on what the pill says, what is said aloud and what is warned of."""
    page.evaluate(LISTEN)


def told(page: Page) -> Told:
    """What was noted since ``listen``."""
    found = page.evaluate("() => window.rushesTold")
    aloud, alerts = ([text for _, text in found[part]] for part in ("aloud", "alerts"))
    return Told([(at / 1000, text) for at, text in found["pill"]], aloud, alerts)
