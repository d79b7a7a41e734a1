"""manage.py sequence_log and verify_audit."""
