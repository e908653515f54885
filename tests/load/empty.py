"""A view that does nothing, in the same application: same server, same session, same gate. What a page costs before it does anything."""

from __future__ import annotations


def install() -> None:
    """Called in a web process before it serves: its application has `/empty`, too."""
    import webui.app
    from webui.gates import gate, signed_in

    made = webui.app.create_app

    def create_app(*values, **named):
        web = made(*values, **named)
        web.add_url_rule("/empty", "empty", gate(signed_in)(lambda: ""))
        return web

    webui.app.create_app = create_app
