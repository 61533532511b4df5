"""The parts that commands and servers are put together from, each opened on first use."""

from rdo.app.app import App as App
