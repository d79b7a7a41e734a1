"""Drafts, late access, and an identity that its applicant may replace until the freeze."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import enigma.fields
from django.conf import settings
from django.db import migrations, models

_GUARD = """
CREATE OR REPLACE FUNCTION public.enigma_guard_identity() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free CONSTANT text[] := ARRAY['anonymized_id', 'wrapped_key', 'key_id'];
    %(declared)s
BEGIN
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free
       OR OLD.anonymized_id IS NOT NULL AND NEW.anonymized_id IS DISTINCT FROM OLD.anonymized_id THEN
        %(exception)s
        RAISE EXCEPTION 'an identity is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
WRITTEN_ONCE = _GUARD % {"declared": "", "exception": ""}
# FOR KEY SHARE waits for a freeze that holds the row, and then reads the phase that the freeze wrote.
REPLACED_UNTIL_THE_FREEZE = _GUARD % {
    "declared": "replaced CONSTANT text[] := free || ARRAY['fingerprint', 'sealed_identity', 'sealed_texts'];",
    "exception": """IF OLD.anonymized_id IS NULL AND NEW.anonymized_id IS NULL
           AND to_jsonb(NEW) - replaced IS NOT DISTINCT FROM to_jsonb(OLD) - replaced THEN
            PERFORM 1 FROM public.admission_cycles
              WHERE id = OLD.admission_cycle_id AND phase = 'submission' FOR KEY SHARE;
            IF FOUND THEN
                RETURN NEW;
            END IF;
        END IF;""",
}
# Tokens are random bytes in base64: compressing them costs time and gains nothing.
STORAGE = "ALTER TABLE application_drafts ALTER COLUMN sealed_values SET STORAGE EXTERNAL"


class Migration(migrations.Migration):

    dependencies = [
        ('admissions', '0003_step_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='application',
            name='changed_at',
            field=models.DateTimeField(blank=True, help_text='When the applicant last replaced it', null=True),
        ),
        migrations.CreateModel(
            name='ApplicationDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=0, help_text='Counted up by every save of any section')),
                ('edits', models.JSONField(default=dict)),
                ('wrapped_key', enigma.fields.SealedField()),
                ('key_id', models.CharField(max_length=8)),
                ('sealed_values', enigma.fields.SealedField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('admission_cycle', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='admissions.admissioncycle')),
                ('application', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='admissions.application')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'application_drafts',
                'indexes': [models.Index(fields=['key_id'], name='draft_by_master_key')],
                'constraints': [models.UniqueConstraint(fields=('admission_cycle', 'user'), name='one_draft_per_person'), models.CheckConstraint(condition=django.db.models.expressions.RawSQL("left(wrapped_key, 6) = 'gAAAAA'", (), models.BooleanField()), name='draft_wrapped_key_is_sealed'), models.CheckConstraint(condition=django.db.models.expressions.RawSQL("left(sealed_values, 6) = 'gAAAAA'", (), models.BooleanField()), name='draft_sealed_values_is_sealed')],
            },
        ),
        migrations.CreateModel(
            name='LateAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('reason', models.CharField(max_length=500)),
                ('granted_by', models.CharField(max_length=80)),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('used_at', models.DateTimeField(blank=True, help_text='When it first let an application or a change in', null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, default='', max_length=80)),
                ('admission_cycle', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='admissions.admissioncycle')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'late_access',
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('admission_cycle', 'user'), name='one_late_access_per_person'), models.CheckConstraint(condition=models.Q(('until__gt', models.F('granted_at'))), name='late_access_lasts'), models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), _negated=True), models.Q(('granted_by', ''), _negated=True)), name='late_access_says_who_and_why'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='late_access_ending_is_whole')],
            },
        ),
        migrations.RunSQL(REPLACED_UNTIL_THE_FREEZE, WRITTEN_ONCE),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
