from typing import Any

from django.db import migrations, models
from django.db.models import Q


def note_what_may_have_left_files(apps: Any, schema_editor: Any) -> None:
    """Ended takes with a checkpoint, as before; and those that have begun and not ended."""
    begun = Q(state__in=["queued", "running"], attempt__gt=0)
    apps.get_model("studio", "Take").objects.filter(~Q(checkpoint_key="") | begun).update(is_untidy=True)


class Migration(migrations.Migration):

    dependencies = [
        ("studio", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="take",
            name="is_untidy",
            field=models.BooleanField(db_default=False, default=False, help_text="attempts may have left files"),
        ),
        migrations.AddIndex(
            model_name="take",
            index=models.Index(condition=Q(is_untidy=True), fields=["number"], name="untidy_takes"),
        ),
        migrations.RunPython(note_what_may_have_left_files, migrations.RunPython.noop),
    ]
