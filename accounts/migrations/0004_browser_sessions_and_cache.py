"""What ends a person's sessions in browsers, and the table of Django's database cache (settings.CACHES)."""

from django.db import migrations, models

CREATE = """
CREATE TABLE cache_entries (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX cache_entries_expires ON cache_entries (expires);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_rotated_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='browser_generation',
            field=models.PositiveIntegerField(default=0, editable=False, help_text="Counted up to end the person's sessions in all browsers"),
        ),
        migrations.AlterModelOptions(
            name='adminuser',
            options={'verbose_name': 'member of staff', 'verbose_name_plural': 'people'},
        ),
        migrations.AlterModelOptions(
            name='adminsession',
            options={'verbose_name': 'session of staff', 'verbose_name_plural': 'sessions of staff'},
        ),
        migrations.RunSQL(CREATE, "DROP TABLE cache_entries"),
    ]
