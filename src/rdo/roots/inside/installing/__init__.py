"""Programs that install wheels into a buildroot, and complete, check and list files there."""
