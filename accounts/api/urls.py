"""The addresses of signing in, sessions, people and machines' tokens."""

from django.urls import path

from accounts.api import colleagues, machines, own_sessions, signing_in

urlpatterns = [
    path("auth/code", signing_in.Code.as_view(), name="api-code"),
    path("auth/token", signing_in.Token.as_view(), name="api-token"),
    path("auth/refresh", signing_in.Refresh.as_view(), name="api-refresh"),
    path("auth/logout", signing_in.Logout.as_view(), name="api-logout"),
    path("auth/sessions", own_sessions.Sessions.as_view(), name="api-sessions"),
    path("auth/sessions/<uuid:session_id>", own_sessions.OneSession.as_view(), name="api-session"),
    path("admin/auth/login", signing_in.StaffLogin.as_view(), name="api-staff-login"),
    path("admin/auth/refresh", signing_in.StaffRefresh.as_view(), name="api-staff-refresh"),
    path("admin/auth/logout", signing_in.StaffLogout.as_view(), name="api-staff-logout"),
    path("admin/auth/me", own_sessions.Me.as_view(), name="api-me"),
    path("admin/auth/sessions", own_sessions.StaffSessions.as_view(), name="api-staff-sessions"),
    path("admin/auth/sessions/<uuid:session_id>", own_sessions.OneStaffSession.as_view(), name="api-staff-session"),
    path("admin/people", colleagues.People.as_view(), name="api-people"),
    path("admin/people/<int:person_id>", colleagues.Person.as_view(), name="api-person"),
    path("admin/people/<int:person_id>/second-factor", colleagues.SecondFactor.as_view(), name="api-second-factor"),
    path("admin/people/<int:person_id>/sessions", colleagues.PersonSessions.as_view(), name="api-person-sessions"),
    path("admin/service-tokens", machines.ServiceTokens.as_view(), name="api-service-tokens"),
    path("admin/service-tokens/<uuid:token_id>", machines.ServiceToken.as_view(), name="api-service-token"),
]
