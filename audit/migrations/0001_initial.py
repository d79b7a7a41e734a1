"""The outbox, both logs and their head."""

import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='AuditLog',
            fields=[
                ('log_id', models.BigIntegerField(help_text='position from 0, without gaps', primary_key=True, serialize=False)),
                ('timestamp', models.DateTimeField()),
                ('actor_type', models.TextField()),
                ('actor_id', models.TextField()),
                ('role', models.TextField()),
                ('session_id', models.TextField()),
                ('action', models.TextField()),
                ('entity_type', models.TextField()),
                ('entity_id', models.TextField()),
                ('outcome', models.TextField()),
                ('request_id', models.TextField()),
                ('details', models.JSONField()),
                ('body', models.TextField(help_text='the exact EJ1 bytes of the entry')),
                ('previous_hash', models.BinaryField(max_length=32)),
                ('current_hash', models.BinaryField(help_text='chain value after this entry', max_length=32)),
            ],
            options={
                'verbose_name': 'audit log entry',
                'verbose_name_plural': 'audit log entries',
                'db_table': 'audit_logs',
                'ordering': ['log_id'],
                'indexes': [models.Index(fields=['timestamp'], name='audit_logs_timestamp'), models.Index(fields=['entity_type', 'entity_id'], name='audit_logs_entity')],
            },
        ),
        migrations.CreateModel(
            name='HashChain',
            fields=[
                ('chain_id', models.BigIntegerField(help_text='position from 0, without gaps', primary_key=True, serialize=False)),
                ('decision_type', models.TextField(help_text="copy of the leaf's kind")),
                ('subject_ref', models.TextField(help_text="copy of the leaf's ref")),
                ('timestamp', models.DateTimeField(help_text="copy of the leaf's ts")),
                ('data_json', models.TextField(help_text='the exact bytes of the leaf')),
                ('leaf_hash', models.BinaryField(max_length=32)),
                ('previous_hash', models.BinaryField(max_length=32)),
                ('data_hash', models.BinaryField(help_text='chain value after this entry', max_length=32)),
            ],
            options={
                'verbose_name': 'public log entry',
                'verbose_name_plural': 'public log entries',
                'db_table': 'hash_chain',
                'ordering': ['chain_id'],
                'indexes': [models.Index(fields=['subject_ref'], name='hash_chain_subject_ref')],
            },
        ),
        migrations.CreateModel(
            name='LogHead',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('origin', models.TextField(help_text='name of the log, hashed into its first entry')),
                ('size', models.BigIntegerField()),
                ('chain_hash', models.BinaryField(max_length=32)),
                ('audit_size', models.BigIntegerField()),
                ('audit_hash', models.BinaryField(max_length=32)),
            ],
            options={
                'verbose_name': 'log head',
                'verbose_name_plural': 'log head',
                'db_table': 'log_head',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='log_head_is_one_row')],
            },
        ),
        migrations.CreateModel(
            name='LogOutbox',
            fields=[
                ('outbox_id', models.BigAutoField(primary_key=True, serialize=False)),
                ('log', models.TextField(choices=[('public', 'Public'), ('audit', 'Audit')])),
                ('kind', models.TextField()),
                ('cycle_ref', models.TextField(db_default='', default='')),
                ('subject_ref', models.TextField(db_default='', default='')),
                ('commitment', models.TextField(db_default='', default='')),
                ('body', models.TextField(db_default='', default='', help_text='EJ1 of an internal entry, but for its number and time')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'waiting log entry',
                'verbose_name_plural': 'waiting log entries',
                'db_table': 'log_outbox',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(models.Q(django.db.models.lookups.Exact(django.db.models.functions.text.Length('cycle_ref'), 32), django.db.models.lookups.Exact(django.db.models.functions.text.Length('subject_ref'), 32), django.db.models.lookups.Exact(django.db.models.functions.text.Length('commitment'), 64), django.db.models.lookups.Regex(django.db.models.functions.text.Concat('cycle_ref', 'subject_ref', 'commitment'), '^[0-9a-f]*$')), ('body', ''), ('kind__in', ['complete', 'cycle.open', 'decision', 'erasure', 'export', 'freeze', 'import', 'key.rotate', 'publish', 'rubric.commit', 'score', 'scrub', 'selection', 'submission', 'submission.withdraw', 'unblind']), ('log', 'public')), models.Q(('body__startswith', '{'), ('commitment', ''), ('cycle_ref', ''), ('log', 'audit'), ('subject_ref', '')), _connector='OR'), name='outbox_row_is_whole')],
            },
        ),
    ]
