"""What the command line and the server put together, each part opened on first use."""

from rdo.app.app import App as App
