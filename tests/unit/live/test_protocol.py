"""The protocol in two languages."""

from django.core.management import call_command
from pydantic import TypeAdapter

from studio.live import protocol
from studio.live.commands import _TABLE
from studio.management.commands.protocol_ts import render


def test_the_typescript_is_what_the_python_says() -> None:
    call_command("protocol_ts", "--check")


def test_what_a_client_may_leave_out_is_optional_only_to_the_client() -> None:
    text = render()
    assert "  seed?: number | null;" in text
    assert "  take_id: string | null;" in text
    assert '  state: "queued" | "running" | "done" | "failed" | "cancelled";' in text
    assert "  unauthenticated: 4401," in text
    assert "export interface TakeRequest extends Command {" in text


def test_every_command_of_the_protocol_has_its_line_in_the_table() -> None:
    assert set(_TABLE) == set(protocol.Command.__subclasses__())


def test_an_event_goes_out_as_the_protocol_says() -> None:
    outgoing: TypeAdapter[protocol.Outgoing] = protocol.OUTGOING
    message = protocol.event_message(7, "take.picked", {"shot_id": "s", "take_id": None})
    assert outgoing.validate_python(message) == protocol.TakePicked(
        v=1, seq=7, type="take.picked", shot_id="s", take_id=None
    )
