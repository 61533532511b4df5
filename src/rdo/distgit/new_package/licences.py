"""Find the licence of a project, as an SPDX expression, in its metadata and files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

_OSI = "License :: OSI Approved :: "

CLASSIFIERS: Mapping[str, str] = {
    f"{_OSI}Academic Free License (AFL)": "AFL-3.0",
    f"{_OSI}Apache Software License": "Apache-2.0",
    f"{_OSI}Artistic License": "Artistic-2.0",
    f"{_OSI}Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    f"{_OSI}Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    f"{_OSI}European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    f"{_OSI}GNU Affero General Public License v3": "AGPL-3.0-only",
    f"{_OSI}GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    f"{_OSI}GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    f"{_OSI}GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    f"{_OSI}GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    f"{_OSI}GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    f"{_OSI}GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    f"{_OSI}GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    f"{_OSI}GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    f"{_OSI}GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    f"{_OSI}Historical Permission Notice and Disclaimer (HPND)": "HPND",
    f"{_OSI}ISC License (ISCL)": "ISC",
    f"{_OSI}MIT License": "MIT",
    f"{_OSI}MIT No Attribution License (MIT-0)": "MIT-0",
    f"{_OSI}Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    f"{_OSI}Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    f"{_OSI}Python Software Foundation License": "PSF-2.0",
    f"{_OSI}The Unlicense (Unlicense)": "Unlicense",
    f"{_OSI}Universal Permissive License (UPL)": "UPL-1.0",
    f"{_OSI}University of Illinois/NCSA Open Source License": "NCSA",
    f"{_OSI}Zero-Clause BSD (0BSD)": "0BSD",
    f"{_OSI}zlib/libpng License": "Zlib",
    "License :: CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}
"""Trove classifiers that mean exactly one SPDX licence; `BSD License` and the like mean several."""

_NAMES: Mapping[str, str] = {
    "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "apache license": "Apache-2.0", "apache license 2.0": "Apache-2.0", "asl 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0", "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0", "apache v2": "Apache-2.0",
    "2-clause bsd": "BSD-2-Clause", "bsd 2-clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause", "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "modified bsd": "BSD-3-Clause",
    "expat": "MIT", "mit": "MIT", "the mit": "MIT", "isc": "ISC", "zlib": "Zlib",
    "mpl 2.0": "MPL-2.0", "mozilla public license 2.0": "MPL-2.0", "mpl2": "MPL-2.0",
    "psf": "PSF-2.0", "python software foundation": "PSF-2.0",
    "psfl": "PSF-2.0", "unlicense": "Unlicense", "the unlicense": "Unlicense",
    "zpl 2.1": "ZPL-2.1", "zpl-2.1": "ZPL-2.1", "zope public license": "ZPL-2.1",
    "gplv2": "GPL-2.0-only", "gplv2+": "GPL-2.0-or-later", "gpl-2.0+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only", "gplv3+": "GPL-3.0-or-later", "gpl-3.0+": "GPL-3.0-or-later",
    "lgplv2": "LGPL-2.0-only", "lgplv2+": "LGPL-2.0-or-later", "lgplv2.1": "LGPL-2.1-only",
    "lgplv2.1+": "LGPL-2.1-or-later", "lgplv3": "LGPL-3.0-only", "lgplv3+": "LGPL-3.0-or-later",
    "lgpl-2.1+": "LGPL-2.1-or-later", "agplv3+": "AGPL-3.0-or-later",
}  # fmt: skip  # a table: several entries a line

_TEXTS: tuple[tuple[str, str], ...] = (
    ("Apache-2.0", r"apache license,? version 2\.0"),
    ("MPL-2.0", r"mozilla public license,? (version|v\.) 2\.0"),
    ("AGPL-3.0-only", r"gnu affero general public license version 3, "),
    ("LGPL-2.1-only", r"gnu lesser general public license version 2\.1, "),
    ("LGPL-3.0-only", r"gnu lesser general public license version 3, "),
    ("GPL-2.0-only", r"gnu general public license version 2, june"),
    ("GPL-3.0-only", r"gnu general public license version 3, "),
    ("PSF-2.0", r"python software foundation license version 2"),
    ("ZPL-2.1", r"zope public license \(zpl\) version 2\.1"),
    ("Unlicense", r"this is free and unencumbered software released into the public domain"),
    ("CC0-1.0", r"cc0 1\.0 universal"),
    ("BSL-1.0", r"boost software license - version 1\.0"),
    (
        "ISC",
        (
            r"permission to use, copy, modify, and/?(or)? distribute this software for any purpose"
            r".{0,40} with or without fee is hereby granted, provided that"
        ),
    ),
    (
        "0BSD",
        (
            r"permission to use, copy, modify, and/or distribute this software for any purpose"
            r" with or without fee is hereby granted\. the software"
        ),
    ),
    ("MIT-0", r"to permit persons to whom the software is furnished to do so\. the software is"),
    ("MIT", r"permission is hereby granted, free of charge, to any person obtaining a copy"),
    (
        "BSD-3-Clause",
        (
            r"\A(?>.*?redistribution and use in source and binary forms)(?>.*?the names? of).*?"
            r"(may|used)"
        ),
    ),
    ("BSD-2-Clause", r"redistribution and use in source and binary forms"),
)
_PHRASES = tuple((name, re.compile(text)) for name, text in _TEXTS)
"""Phrases in licence texts, as one line in lower case, the most specific first."""


@dataclass(frozen=True, slots=True)
class Licence:
    """An SPDX expression and where it was found; the expression is empty if none was."""

    expression: str
    source: str


def spdx(text: str) -> str:
    """Return an SPDX expression in canonical form, or "" if the text is not one.

    >>> spdx("mit or apache-2.0"), spdx("Apache 2.0")
    ('MIT OR Apache-2.0', '')
    """
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""


def named(text: str) -> str:
    """Return the SPDX expression for a licence's usual name, or "" if it is ambiguous.

    >>> named("Apache License, Version 2.0"), named("MIT License"), named("BSD")
    ('Apache-2.0', 'MIT', '')
    """
    plain = " ".join(re.sub(r"(?<![,.()])[,.()]+(?=\s|$)|[\"']", " ", text.lower()).split())
    plain = re.sub(r"\bv(?=\d\.\d$)", "", plain)
    without = re.sub(r"(?<!\s)\s+licen[cs]e$", "", plain)
    found = _NAMES.get(plain) or _NAMES.get(without)
    return found or spdx(text.strip()) or spdx(without)


def of_text(text: str) -> str:
    """Return the licence that a text contains, or "" if none is recognised."""
    words = " ".join(re.sub(r"[\"'*#>]", " ", text.lower()).split())
    return next((name for name, pattern in _PHRASES if pattern.search(words)), "")


def find(
    expression: str, name: str, classifiers: Iterable[str], files: Mapping[str, str]
) -> Licence:
    """Return the licence of a project, from the clearest statement that it makes.

    `expression` and `name` are the metadata's License-Expression and License.
    """
    if found := spdx(expression):
        return Licence(found, "License-Expression")
    if len(name) < 200 and (found := named(name)):
        return Licence(found, "License")
    told = [one for one in classifiers if one.startswith("License :: ")]
    known = [CLASSIFIERS[one] for one in told if one in CLASSIFIERS]
    vague = [one for one in told if one not in CLASSIFIERS and one != _OSI.rstrip(": ")]
    if len(known) == 1 and not vague:
        return Licence(known[0], "classifier")
    texts = {path: of_text(text) for path, text in files.items()}
    said = list(dict.fromkeys(found for found in texts.values() if found))
    if len(said) == 1:
        return Licence(said[0], next(path for path, found in texts.items() if found))
    if found := of_text(name):
        return Licence(found, "License")
    for several, source in ((known, "classifiers"), (said, ", ".join(texts))):
        if several:
            return Licence(spdx(" AND ".join(several)), source)
    return Licence("", "")
