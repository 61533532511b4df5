"""httpd configuration for services that run in its processes, on the controller."""

from rdo.deploy.wanted import WantedFile

_CONTENT = """\
# Written by rdo deploy.
Listen {port}

WSGIDaemonProcess {name} processes={workers} threads=4 user={user} group={user}

<VirtualHost *:{port}>
    WSGIProcessGroup {name}
    WSGIApplicationGroup %{{GLOBAL}}
    WSGIScriptAlias / {script}
    WSGIPassAuthorization On
    LimitRequestBody 114688
    ErrorLogFormat "%{{cu}}t %M"
    ErrorLog /var/log/httpd/{name}.log
    CustomLog /var/log/httpd/{name}_access.log combined

    <Directory /usr/bin>
        Require all granted
    </Directory>
</VirtualHost>
"""

PACKAGES = ("httpd", "python3-mod_wsgi")
UNIT = "httpd"


def page(path: str, *, name: str, port: int, user: str, script: str, workers: str) -> WantedFile:
    """Return the configuration that runs a WSGI script as a user of its own."""
    content = _CONTENT.format(name=name, port=port, user=user, script=script, workers=workers)
    return WantedFile(path, content)
