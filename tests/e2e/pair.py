"""Two people in one prompt while something breaks."""

from dataclasses import dataclass

from playwright.sync_api import expect

from tests.e2e.people import Visitor, type_at_once
from tests.e2e.room import WRITTEN
from tests.e2e.rows import durable_prompts
from tests.e2e.told import Told, listen, told
from tests.e2e.waiting import until

HERS, HIS = "Early in the morning, ", ", gulls cry over the pier"
BOTH = f"{HERS}{WRITTEN}{HIS}"
BACK_WITHIN_MS = 10_000


@dataclass(frozen=True)
class Pair:
    """Ana writes at the prompt's beginning, Bo at its end; what both are told is noted."""

    ana: Visitor
    bo: Visitor

    @property
    def both(self) -> tuple[Visitor, Visitor]:
        return self.ana, self.bo

    def begin(self) -> "Pair":
        """Put both carets where they belong, and listen."""
        for visitor, end in ((self.ana, "Control+Home"), (self.bo, "Control+End")):
            visitor.room.prompt.click()
            visitor.keyboard.press(end)
            listen(visitor.page)
        return self

    def type(self, hers: str = HERS, his: str = HIS, *, delay_ms: float = 0) -> None:
        """Both type, a key each in turn, with a pause after each key."""
        type_at_once(self.ana, hers, self.bo, his, delay_ms)

    def expect_kept(self, text: str = BOTH) -> None:
        """Both are told Saved in time; both screens and the rows have the text, once."""
        for visitor in self.both:
            expect(visitor.room.pill).to_contain_text("Saved · 2 here", timeout=BACK_WITHIN_MS)
        for visitor in self.both:
            until(visitor.room.text, lambda shown: shown == text, timeout_s=BACK_WITHIN_MS / 1000)
        prompts = durable_prompts(self.ana.room.project_id)
        assert prompts.count(text) == 1, prompts

    def told(self) -> list[Told]:
        return [told(visitor.page) for visitor in self.both]
