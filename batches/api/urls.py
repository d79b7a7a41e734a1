"""Addresses of this app's routes below /api/v1/."""

from django.urls import URLPattern, path

from batches.api import exports, imports

urlpatterns: list[URLPattern] = [
    path("admin/batches", exports.Batches.as_view(), name="api-batches"),
    path("admin/batches/<int:run_id>", exports.Batch.as_view(), name="api-batch"),
    path("admin/batches/<int:run_id>/shards/<str:name>", exports.BatchShard.as_view(), name="api-shard"),
    path("admin/results", imports.Results.as_view(), name="api-results"),
    path("admin/results/<int:file_id>", imports.Result.as_view(), name="api-result-file"),
    path("admin/results/<int:file_id>/issues", imports.ResultIssues.as_view(), name="api-result-issues"),
    path("admin/cycles/<str:code>/status", imports.CycleStatus.as_view(), name="api-cycle-status"),
]
