"""The tables of both logs: lists that read on from a position, and each entry with its bytes, hashes and links."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from audit.console.filters import ByAction, ByDay, ByEntityType, NotOk
from audit.finding import actions
from audit.models import AuditLog, HashChain
from audit.single import audit_entry_fault, public_entry_fault
from enigma.console.tables import ReadOnly

HIGHEST = 2**63 - 1


class _Entries(ReadOnly):
    """A log: newest first, and each entry recomputed when it is looked at."""

    needs, section = "audit.view", "Trust"
    change_form_template = "console/audit/entry.html"
    search_fields = ("pk",)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the entry with its neighbours, and what recomputing it says."""
        extra = dict(extra_context or {})
        if self.has_view_permission(request):
            entry = self.get_object(request, object_id)
            extra |= self._about(entry) if entry is not None else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra)
        return answer

    def _about(self, entry: Any) -> dict[str, Any]:
        after = self.model.objects.filter(pk=entry.pk + 1).exists()
        return {
            "before": entry.pk - 1 if entry.pk else None,
            "after": entry.pk + 1 if after else None,
            "fault": self.fault(entry),
            "bytes": self.bytes_of(entry),
            "details": [(name, _told(value)) for name, value in getattr(entry, "details", {}).items()],
        }

    @admin.display(description=_("entry"))
    def position(self, entry: Any) -> str:
        """Return the number of the entry."""
        return str(entry.pk)

    @admin.display(description=_("time"))
    def time(self, entry: Any) -> str:
        """Return the time to the second, on one line."""
        here = timezone.localtime(entry.timestamp)
        day, moment = formats.date_format(here, "DATE_FORMAT"), formats.time_format(here, "H:i:s")
        return format_html('<span class="whole">{}, {}</span>', day, moment)

    def fault(self, entry: Any) -> str:
        """Say what is wrong with the entry, or nothing."""
        raise NotImplementedError

    def bytes_of(self, entry: Any) -> str:
        """Return the text that is hashed."""
        raise NotImplementedError


@admin.register(AuditLog)
class AuditEntries(_Entries):
    """The internal log: who did what to what."""

    nav_order = 10
    keyset = ("-log_id",)
    list_display = ("position", "time", "who", "action", "entity", "result", "short_hash")
    list_filter = (NotOk, ByDay, ByAction, ByEntityType)
    intro = _("Who did what to what. It names people by numbers only, and is never published.")
    empty = _("Nothing has been noted yet. The first entry comes with the first deed, once a worker runs.")
    search_help_text = _(
        "An actor (user:7), a thing (cycle:fall-2026), the beginning of an action (cycle.) or a position"
    )
    fields = readonly_fields = (
        "log_id",
        "timestamp",
        "actor",
        "role",
        "session_id",
        "action",
        "entity",
        "result",
        "request_id",
        "hash_before",
        "hash_after",
    )

    def find(self, queryset: QuerySet[AuditLog], term: str) -> QuerySet[AuditLog]:
        """Find a position, what an actor did or what was done to a thing, or actions that begin so."""
        term = term.strip()
        if term.isdecimal():
            return queryset.filter(log_id=min(int(term), HIGHEST))
        if ":" in term:
            kind, number = term.split(":", 1)
            return queryset.filter(Q(actor_id=term) | Q(entity_type=kind, entity_id=number))
        begun = [name for name in actions() if name.startswith(term)]
        return queryset.filter(action__in=begun) if begun else queryset.filter(actor_id=term)

    def fault(self, entry: AuditLog) -> str:
        """Recompute it."""
        return audit_entry_fault(entry)

    def bytes_of(self, entry: AuditLog) -> str:
        """Return the body."""
        return entry.body

    @admin.display(description=_("actor"))
    def actor(self, entry: AuditLog) -> str:
        """Return kind and id; of ids that name their kind, the id."""
        return f"{entry.actor_type} {entry.actor_id}".strip()

    @admin.display(description=_("actor"))
    def who(self, entry: AuditLog) -> str:
        """Return the actor, and the role in which they acted."""
        return format_html('{} <span class="quiet">{}</span>', entry.actor_id or entry.actor_type, entry.role)

    @admin.display(description=_("entity"))
    def entity(self, entry: AuditLog) -> str:
        """Return type and id, as the search takes them."""
        return f"{entry.entity_type}:{entry.entity_id}"

    @admin.display(description=_("outcome"))
    def result(self, entry: AuditLog) -> str:
        """Return the outcome as a tag."""
        kind = {"ok": "good", "queued": "lead"}.get(entry.outcome, "warn")
        return format_html('<span class="tag {}">{}</span>', kind, entry.outcome)

    @admin.display(description=_("hash"))
    def short_hash(self, entry: AuditLog) -> str:
        """Return the first digits, enough to tell entries apart."""
        return _short(entry.current_hash)

    @admin.display(description=_("hash before"))
    def hash_before(self, entry: AuditLog) -> str:
        """Return the chain value that it follows."""
        return _whole(entry.previous_hash)

    @admin.display(description=_("hash after"))
    def hash_after(self, entry: AuditLog) -> str:
        """Return the chain value after it."""
        return _whole(entry.current_hash)


@admin.register(HashChain)
class PublicEntries(_Entries):
    """The public log: commitments without personal data."""

    nav_order = 20
    keyset = ("-chain_id",)
    list_display = ("position", "time", "decision_type", "reference", "short_commitment", "short_hash")
    intro = _("Salted commitments to each submission, decision and milestone. Every byte of it may be published.")
    empty = _("Nothing is committed yet. The first entry comes when a cycle is opened, once a worker runs.")
    search_help_text = _("A position, or a reference of 32 digits as on a receipt")
    fields = readonly_fields = (
        "chain_id",
        "timestamp",
        "decision_type",
        "reference",
        "commitment",
        "hash_of_leaf",
        "hash_before",
        "hash_after",
    )

    def find(self, queryset: QuerySet[HashChain], term: str) -> QuerySet[HashChain]:
        """Find by reference, or by position."""
        term = term.strip().lower()
        if term.isdecimal() and len(term) < 32:
            return queryset.filter(chain_id=min(int(term), HIGHEST))
        return queryset.filter(subject_ref=term)

    def fault(self, entry: HashChain) -> str:
        """Recompute it."""
        return public_entry_fault(entry)

    def bytes_of(self, entry: HashChain) -> str:
        """Return the leaf."""
        return entry.data_json

    @admin.display(description=_("reference"))
    def reference(self, entry: HashChain) -> str:
        """Return what the entry is about."""
        return _code(entry.subject_ref)

    @admin.display(description=_("commitment"))
    def commitment(self, entry: HashChain) -> str:
        """Return the commitment, which stands at a fixed place of the leaf."""
        return _code(entry.data_json[11:75])

    @admin.display(description=_("commitment"))
    def short_commitment(self, entry: HashChain) -> str:
        """Return its first digits."""
        return format_html('<span class="hash whole">{}…</span>', entry.data_json[11:23])

    @admin.display(description=_("hash"))
    def short_hash(self, entry: HashChain) -> str:
        """Return the first digits of the chain value after it."""
        return _short(entry.data_hash)

    @admin.display(description=_("leaf hash"))
    def hash_of_leaf(self, entry: HashChain) -> str:
        """Return the hash of its bytes."""
        return _whole(entry.leaf_hash)

    @admin.display(description=_("hash before"))
    def hash_before(self, entry: HashChain) -> str:
        """Return the chain value that it follows."""
        return _whole(entry.previous_hash)

    @admin.display(description=_("hash after"))
    def hash_after(self, entry: HashChain) -> str:
        """Return the chain value after it."""
        return _whole(entry.data_hash)


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _code(text: str) -> str:
    return format_html('<span class="hash">{}</span>', text)


def _whole(value: bytes) -> str:
    return _code(bytes(value).hex())


def _short(value: bytes) -> str:
    return format_html('<span class="hash whole">{}…</span>', bytes(value).hex()[:8])
