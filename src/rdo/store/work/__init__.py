"""What is built: builds and their queue, commits, RPMs, and the state of packages."""
