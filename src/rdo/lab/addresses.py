"""The addresses inside a lab, the same in every lab: no lab can see another one's network."""

from dataclasses import dataclass

GATEWAY, PREFIX, PORT = "10.88.0.1", 24, 80
"""The bridge of the lab, where its web server listens; no route leads out of the lab."""

MOST_HOSTS = 200


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host's name, its address, and its MAC address."""

    name: str
    address: str
    mac: str

    @classmethod
    def of(cls, number: int) -> "HostAddress":
        """Return the address of a host by its number; numbers begin with 1.

        >>> HostAddress.of(2)
        HostAddress(name='host2', address='10.88.0.12', mac='02:00:0a:58:00:0c')
        """
        last = 10 + number
        return cls(f"host{number}", f"10.88.0.{last}", f"02:00:0a:58:00:{last:02x}")


def web_url(path: str = "") -> str:
    """Return the URL at which hosts reach a path of the lab's web server.

    >>> web_url("master-deb12/repos")
    'http://10.88.0.1/master-deb12/repos'
    """
    return f"http://{GATEWAY}/{path}" if path else f"http://{GATEWAY}"
