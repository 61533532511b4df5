"""What is built: builds and their queue, commits, RPMs, and where packages stand."""
