"""Pages about the market. Each module holds the views of one kind of page; `signals.urls` names them by module."""
