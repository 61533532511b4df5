"""Read the form of an upload while it arrives: fields into memory, the file to disk."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from rdo.web.answers import ApiError

_MOST_FIELDS = 20
_MOST_FIELD_BYTES = 4096
_MOST_HEADER_BYTES = 4096
_FILE = "file"


@dataclass(slots=True)
class UploadForm:
    """The fields of a form. The part named `file` goes to `take`, piece by piece.

    `file_name` is the client's name for the file; None if the form has no file.
    """

    take: Callable[[bytes], None]
    fields: dict[str, str] = field(default_factory=dict)
    file_name: str | None = None
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    _name: str = ""
    _value: bytearray = field(default_factory=bytearray)

    async def read(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Read the whole form.

        Raises ApiError for an invalid form, or one above the limits, and the errors of `take`.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise ApiError(400, "send a form of the type multipart/form-data")
        try:
            parser = MultipartParser(boundary, self._callbacks())  # type: ignore[arg-type]
            async for chunk in body:
                parser.write(chunk)
            parser.finalize()
        except MultipartParseError as error:
            raise ApiError(400, f"the form cannot be read: {error}") from error

    def _callbacks(self) -> Mapping[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._grow(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": lambda data, start, end: self._take(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, "", bytearray()

    def _grow(self, part: int, data: bytes) -> None:
        self._header[part].extend(data)
        if len(self._header[part]) > _MOST_HEADER_BYTES:
            raise ApiError(400, "the form has a header that is too long")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if self._name == _FILE:
            if self.file_name is not None:
                raise ApiError(400, "the form has more than one file")
            self.file_name = options.get(b"filename", b"").decode(errors="replace")
        elif len(self.fields) >= _MOST_FIELDS:
            raise ApiError(400, f"the form has more than {_MOST_FIELDS} fields")

    def _take(self, data: bytes) -> None:
        if self._name == _FILE:
            self.take(data)
            return
        self._value.extend(data)
        if len(self._value) > _MOST_FIELD_BYTES:
            raise ApiError(400, f"the field {self._name[:100]!r} is too long")

    def _end(self) -> None:
        if self._name != _FILE:
            self.fields[self._name] = self._value.decode(errors="replace")
