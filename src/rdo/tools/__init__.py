"""The programs that rdo runs, each behind a class that knows its options."""
