"""The web pages: console, link page, widgets. Server-rendered, no build step, nothing from another host."""
