"""The admin's login page, with a limit on guessing in front and a record of who fails."""

import redis
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts import audit
from accounts.audit import Kind
from accounts.guessing import count_guess
from accounts.models import User
from tradingviz.core.errors import problem_page


class StaffForm(AdminAuthenticationForm):
    """Records the right password of somebody who is not staff; wrong ones Django signals."""

    def confirm_login_allowed(self, user: User) -> None:
        """Raise ValidationError for whoever may not come in."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            audit.record(Kind.ADMIN_SIGN_IN_FAILED, request=self.request, user=user, reason="not staff")
            raise


admin.site.login_form = StaffForm


@csrf_exempt  # here, so that what comes without the page's token is counted, too; the page itself demands it
def admin_login(request: HttpRequest) -> HttpResponse:
    """Show the login page, or sign in; 429 for an address that tried too often."""
    if request.method == "POST":
        try:
            wait = count_guess(request, group="admin")
        except redis.RedisError:
            return problem_page(503)(request)
        if wait:
            refusal = problem_page(429)(request)
            refusal["Retry-After"] = str(wait)
            return refusal
    return admin.site.login(request)
