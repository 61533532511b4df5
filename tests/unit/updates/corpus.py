"""A corpus of update files: every key, every form of a value, and every fault."""

GOOD = {
    "least": "notes: x\nbuilds:\n- {id: a-1-1, source: koji, repo: kilo, dist: el7}\n",
    "every key": (
        "---\nnotes: |-\n  First line\n  second: line\ngroup: both\nbuilds:\n"
        "  - id: openstack-nova-2015.1.0-3.el7\n    source: cbs\n    repo: kilo\n"
        "    dist: epel-7\n    tag: testing\n    arch: x86_64\n"
    ),
    "several releases": (
        "notes: 'quoted: text'\nbuilds:\n"
        "- {id: a-1-1.fc21, source: koji, repo: juno, dist: fedora-21}\n"
        "- {id: a-1-1.el7, source: copr-jruzicka, repo: juno, dist: epel-7}\n"
        "- {id: a-1-1.el7, source: copr-jruzicka, repo: icehouse, dist: epel-7}\n"
    ),
    "numbers": "notes: '7'\nbuilds:\n- {id: a-1-1, source: koji, repo: 2015.1, dist: 7}\n",
    "folded notes": (
        "notes: >\n  One\n  line\nbuilds:\n- {id: a-1~rc1-0.1^git, source: k, repo: r, dist: d}\n"
    ),
    "builds first": "builds:\n- {dist: d, repo: r, source: k, id: a_b+c-1.0-1}\nnotes: x\n",
    "a scratch build, by its task": (
        "notes: x\nbuilds:\n- {id: 7654321, source: koji-scratch, repo: kilo, dist: el7}\n"
        "- {id: a-1-1.fc23, source: koji, repo: kilo, dist: f22}\n"
    ),
    "a blank line before it": (
        "\nnotes: x\nbuilds:\n  - id: a-1-1\n    source: cbs\n    repo: kilo\n    dist: el7\n"
    ),
    "notes that are not there yet": (
        "notes: FILLME\nbuilds:\n- {id: a-1-1, source: koji, repo: kilo, dist: el7}\n"
    ),
    "another language": (
        "notes: Příliš žluťoučký kůň\nbuilds:\n- {id: a-1-1, source: k, repo: r, dist: d}\n"
    ),
    "comments": (
        "# about it\nnotes: x # y\nbuilds: # two\n- {id: a-1-1, source: k, repo: r, dist: d}\n"
    ),
    "a group with blanks": (
        "notes: x\ngroup: two words\nbuilds:\n- {id: a-1-1, source: k, repo: r, dist: d}\n"
    ),
}

_ROW = "id: a-1-1, source: k, repo: r, dist: d"

BAD = {
    "nothing": ("", "not a mapping"),
    "a list": ("- a\n", "not a mapping"),
    "a text": ("only text", "not a mapping"),
    "half YAML": ("notes: [", "not YAML"),
    "a tab": ("notes: x\n\tbuilds: y\n", "not YAML"),
    "a program": ("notes: !!python/object/apply:os.getpid []\nbuilds: []\n", "not YAML"),
    "a control character": ("notes: \x07\nbuilds: []\n", "not YAML"),
    "no notes": (f"builds:\n- {{{_ROW}}}\n", "notes is missing"),
    "no builds": ("notes: x\n", "builds is missing"),
    "empty builds": ("notes: x\nbuilds: []\n", "not a list of builds"),
    "builds as a text": ("notes: x\nbuilds: a-1-1\n", "not a list of builds"),
    "builds as a mapping": (f"notes: x\nbuilds: {{{_ROW}}}\n", "not a list of builds"),
    "a build as a text": ("notes: x\nbuilds:\n- a-1-1\n", "build 1: not a mapping"),
    "notes as a list": (f"notes: [x]\nbuilds:\n- {{{_ROW}}}\n", "notes is not a text"),
    "a group as a number": (f"notes: x\ngroup: 7\nbuilds:\n- {{{_ROW}}}\n", "group is not a text"),
    "an unknown key": (f"note: x\nnotes: x\nbuilds:\n- {{{_ROW}}}\n", "unknown key 'note'"),
    "an unknown key of a build": (f"notes: x\nbuilds:\n- {{{_ROW}, dists: e}}\n", "key 'dists'"),
    "no id": ("notes: x\nbuilds:\n- {source: k, repo: r, dist: d}\n", "id is missing"),
    "no source": ("notes: x\nbuilds:\n- {id: a-1-1, repo: r, dist: d}\n", "source is missing"),
    "no repo": ("notes: x\nbuilds:\n- {id: a-1-1, source: k, dist: d}\n", "repo is missing"),
    "no dist": ("notes: x\nbuilds:\n- {id: a-1-1, source: k, repo: r}\n", "dist is missing"),
    "no version": (
        "notes: x\nbuilds:\n- {id: nova, source: k, repo: r, dist: d}\n",
        "is not NAME-VERSION-RELEASE",
    ),
    "a task of a source that has NVRs": (
        "notes: x\nbuilds:\n- {id: 7654321, source: koji, repo: r, dist: d}\n",
        "'7654321' is not NAME-VERSION-RELEASE",
    ),
    "an rpm": (
        "notes: x\nbuilds:\n- {id: /tmp/a-1-1.rpm, source: k, repo: r, dist: d}\n",
        "is not NAME-VERSION-RELEASE",
    ),
    "a true value": (
        "notes: x\nbuilds:\n- {id: a-1-1, source: yes, repo: r, dist: d}\n",
        "source is not a text",
    ),
    "an empty value": (
        "notes: x\nbuilds:\n- {id: a-1-1, source: , repo: r, dist: d}\n",
        "source is not a text",
    ),
    "a path out": (
        "notes: x\nbuilds:\n- {id: a-1-1, source: k, repo: ../.., dist: d}\n",
        "cannot be part of a path",
    ),
    "a path in the tag": (f"notes: x\nbuilds:\n- {{{_ROW}, tag: a/b}}\n", "part of a path"),
    "twice the same": (f"notes: x\nbuilds:\n- {{{_ROW}}}\n- {{{_ROW}}}\n", "is there twice"),
    "too large": ("notes: " + "x" * (1 << 20) + "\nbuilds: []\n", "is larger than"),
    "too deep": ("[" * 5000, "not YAML"),
}
