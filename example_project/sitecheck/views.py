"""The page that starts a check of the site."""

from liveops.views import CreateLiveOperationView
from sitecheck.forms import CheckSiteForm
from sitecheck.models import CheckSite


class CheckSiteCreateView(CreateLiveOperationView):
    """Ask what to check; start the check and go to its live page."""

    model = CheckSite
    form_class = CheckSiteForm
