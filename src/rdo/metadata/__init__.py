"""The distribution's metadata, in rdoinfo's format."""

from rdo.metadata.checking.faults import Fault, Level, MetadataError, Where
from rdo.metadata.distribution import Distribution
from rdo.metadata.loading import load
from rdo.metadata.values import DistRepo, Release, ReleasePackages, ReleaseRepo, ReleaseStatus

__all__ = [
    "DistRepo",
    "Distribution",
    "Fault",
    "Level",
    "MetadataError",
    "Release",
    "ReleasePackages",
    "ReleaseRepo",
    "ReleaseStatus",
    "Where",
    "load",
]
