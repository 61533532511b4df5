"""glance's WSGI application, configured by the distribution's defaults and /etc/glance."""

from glance.common import wsgi_app

# glance reads no arguments and, unlike the other services, offers no variable for its files.
wsgi_app.CONFIG_FILES.insert(0, "/usr/share/glance/glance-api-dist.conf")

from glance.wsgi.api import application  # noqa: E402

__all__ = ["application"]
