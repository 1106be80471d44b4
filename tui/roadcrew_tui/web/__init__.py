"""`roadcrew web`: the app in a browser, for people who have nothing else. Each open page is one process of the app, as
a visitor of this computer (`roadcrew_tui/host.py`), and what it draws goes to the page over a WebSocket.

address.py is where the site is, as browsers know it; visitors.py who comes, and where what is theirs lies; room.py how
many at a time; heard.py what a page may say; terminal.py the process behind a page, visit.py and driver.py what runs in
it; pages.py and `static/` what a browser is given; site.py puts it together. Not for a server of trips: that is
`roadcrew serve`, and this is only another way to it. Why so: docs/decisions/0031-roadcrew-web.md.
"""
