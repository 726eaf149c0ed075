"""A run as one page that works offline."""

from vaekit.explorer.page import make_page as make_page
