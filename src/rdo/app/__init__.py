"""What commands and servers put together, each part opened on first use."""

from rdo.app.app import App as App
