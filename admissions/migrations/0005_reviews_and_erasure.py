"""Reviews by a person, and erasure: an identity may be dropped as a whole, and in no other way be changed."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import enigma.fields
from django.db import migrations, models

# Both ways let an applicant replace an identity until the freeze, as 0004 has it.
_GUARD = """
CREATE OR REPLACE FUNCTION public.enigma_guard_identity() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free CONSTANT text[] := ARRAY['anonymized_id', 'wrapped_key', 'key_id'];
    replaced CONSTANT text[] := free || ARRAY['fingerprint', 'sealed_identity', 'sealed_texts'];
    %(declared)s
BEGIN
    %(erasure)s
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free
       OR OLD.anonymized_id IS NOT NULL AND NEW.anonymized_id IS DISTINCT FROM OLD.anonymized_id THEN
        IF OLD.anonymized_id IS NULL AND NEW.anonymized_id IS NULL
           AND to_jsonb(NEW) - replaced IS NOT DISTINCT FROM to_jsonb(OLD) - replaced THEN
            PERFORM 1 FROM public.admission_cycles
              WHERE id = OLD.admission_cycle_id AND phase = 'submission' FOR KEY SHARE;
            IF FOUND THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'an identity is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
IDENTITY_AS_BEFORE = _GUARD % {"declared": "", "erasure": ""}
ERASABLE_IDENTITY = _GUARD % {
    "declared": """erasable CONSTANT text[] := ARRAY['email_bidx', 'fingerprint', 'wrapped_key', 'key_id',
                                      'sealed_identity', 'sealed_texts', 'erased_at'];""",
    "erasure": """IF OLD.erased_at IS NOT NULL THEN
        IF NEW IS DISTINCT FROM OLD THEN
            RAISE EXCEPTION 'an erased identity stays erased' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.erased_at IS NOT NULL THEN
        -- That all of it is gone is held by a constraint; here, that nothing else changes, and not too early.
        IF to_jsonb(NEW) - erasable IS DISTINCT FROM to_jsonb(OLD) - erasable THEN
            RAISE EXCEPTION 'an erasure changes nothing else' USING ERRCODE = 'check_violation';
        END IF;
        IF NOT EXISTS (
            SELECT FROM public.applications AS application
              JOIN public.admission_cycles AS cycle ON cycle.id = application.admission_cycle_id
             WHERE application.id = NEW.application_id
               AND (application.status = 'withdrawn' OR cycle.phase IN ('published', 'completed'))
        ) THEN
            RAISE EXCEPTION 'an identity is needed until its result is published' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;""",
}

REVIEW = """
CREATE FUNCTION public.enigma_guard_review() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys CONSTANT text[] := ARRAY['wrapped_key', 'key_id'];
    answer CONSTANT text[] := ARRAY['state', 'decision', 'answered_at', 'answered_by', 'sealed_answer'];
    erasable CONSTANT text[] := ARRAY['wrapped_key', 'key_id', 'sealed_request', 'sealed_answer'];
BEGIN
    IF to_jsonb(NEW) - keys IS NOT DISTINCT FROM to_jsonb(OLD) - keys
       OR OLD.state = 'asked' AND NEW.state = 'answered'
          AND to_jsonb(NEW) - answer IS NOT DISTINCT FROM to_jsonb(OLD) - answer
       OR NEW.wrapped_key IS NULL
          AND to_jsonb(NEW) - erasable IS NOT DISTINCT FROM to_jsonb(OLD) - erasable THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a request is written once, and answered once' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER review_guard BEFORE UPDATE ON review_requests
    FOR EACH ROW EXECUTE FUNCTION public.enigma_guard_review();
"""
UNGUARDED_REVIEW = "DROP TRIGGER review_guard ON review_requests; DROP FUNCTION public.enigma_guard_review();"


class Migration(migrations.Migration):

    dependencies = [
        ('admissions', '0004_applying'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReviewRequest',
            fields=[
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='admissions.application')),
                ('state', models.CharField(choices=[('asked', 'Asked'), ('answered', 'Answered')], default='asked', max_length=10)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('wrapped_key', enigma.fields.SealedField(editable=False, null=True)),
                ('key_id', models.CharField(editable=False, max_length=8, null=True)),
                ('sealed_request', enigma.fields.SealedField(editable=False, null=True)),
                ('sealed_answer', enigma.fields.SealedField(editable=False, null=True)),
                ('decision', models.CharField(blank=True, choices=[('upheld', 'the result stands'), ('to_correct', 'the office will correct it')], default='', max_length=10)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answered_by', models.CharField(blank=True, default='', max_length=80)),
            ],
            options={
                'db_table': 'review_requests',
            },
        ),
        migrations.AddField(
            model_name='identitymapping',
            name='erased_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='email_bidx',
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='fingerprint',
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='key_id',
            field=models.CharField(max_length=8, null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='sealed_identity',
            field=enigma.fields.SealedField(null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='sealed_texts',
            field=enigma.fields.SealedField(null=True),
        ),
        migrations.AlterField(
            model_name='identitymapping',
            name='wrapped_key',
            field=enigma.fields.SealedField(null=True),
        ),
        migrations.AddConstraint(
            model_name='identitymapping',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email_bidx__isnull', False), ('erased_at', None), ('fingerprint__isnull', False), ('key_id__isnull', False), ('sealed_identity__isnull', False), ('sealed_texts__isnull', False), ('wrapped_key__isnull', False)), models.Q(('email_bidx', None), ('erased_at__isnull', False), ('fingerprint', None), ('key_id', None), ('sealed_identity__isnull', True), ('sealed_texts__isnull', True), ('wrapped_key__isnull', True)), _connector='OR'), name='identity_is_whole_or_erased'),
        ),
        migrations.AddField(
            model_name='reviewrequest',
            name='admission_cycle',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='admissions.admissioncycle'),
        ),
        migrations.AddIndex(
            model_name='reviewrequest',
            index=models.Index(fields=['state', 'asked_at'], name='review_by_state'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=models.Q(('decision__in', ['', 'upheld', 'to_correct'])), name='review_decision_is_known'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at', None), ('answered_by', ''), ('decision', ''), ('sealed_answer__isnull', True), ('state', 'asked')), models.Q(('answered_at__isnull', False), ('state', 'answered'), models.Q(('decision', ''), _negated=True), models.Q(('answered_by', ''), _negated=True)), _connector='OR'), name='review_answer_is_whole'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('key_id__isnull', False), ('sealed_request__isnull', False), ('wrapped_key__isnull', False), models.Q(('state', 'asked'), ('sealed_answer__isnull', False), _connector='OR')), models.Q(('key_id', None), ('sealed_answer__isnull', True), ('sealed_request__isnull', True), ('wrapped_key__isnull', True)), _connector='OR'), name='review_is_whole_or_erased'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL("left(wrapped_key, 6) = 'gAAAAA'", (), models.BooleanField()), name='review_wrapped_key_is_sealed'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL("left(sealed_request, 6) = 'gAAAAA'", (), models.BooleanField()), name='review_sealed_request_is_sealed'),
        ),
        migrations.AddConstraint(
            model_name='reviewrequest',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL("left(sealed_answer, 6) = 'gAAAAA'", (), models.BooleanField()), name='review_sealed_answer_is_sealed'),
        ),
        migrations.RunSQL(ERASABLE_IDENTITY, IDENTITY_AS_BEFORE),
        migrations.RunSQL(REVIEW, UNGUARDED_REVIEW),
    ]
