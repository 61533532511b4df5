"""The clients of build farms, which are extras of other projects."""
