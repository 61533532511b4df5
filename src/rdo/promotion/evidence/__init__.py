"""What an RPM was made from, for other programs: bills of materials and provenance of a build."""
