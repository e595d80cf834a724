"""A person at a browser: plain HTTP, a cookie jar, and the forms of the pages by their field names."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import requests


class Browser:
    """Follows redirects by hand, so that one to another server is seen and not followed."""

    def __init__(self, verify=None):
        self.http = requests.Session()
        self.http.trust_env = False
        if verify:
            self.http.verify = verify
        self.url = None
        self.page = None
        self.left_for = None

    def get(self, url):
        return self._arrive(self.http.get(url, allow_redirects=False))

    def submit(self, **fields):
        """Sends the first form of the page that has all of these fields, or buttons of these names."""
        for attributes, inner in re.findall(r"<form([^>]*)>(.*?)</form>", self.page.text, re.S):
            names = set(re.findall(r'name="([^"]+)"', inner))
            if set(fields) <= names:
                action = re.search(r'action="([^"]*)"', attributes)
                url = urljoin(self.url, unescape(action.group(1))) if action else self.url
                hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inner)
                form = {name: unescape(value) for name, value in hidden} | fields
                origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
                return self._arrive(self.http.post(url, data=form, headers={"Origin": origin}, allow_redirects=False))
        raise AssertionError(f"no form with {fields}: {self.title()}")

    def _arrive(self, reply):
        self.left_for = None
        while reply.is_redirect:
            url = urljoin(reply.url, reply.headers["location"])
            if urlsplit(url).netloc != urlsplit(reply.url).netloc:
                self.left_for = url
                return self
            reply = self.http.get(url, allow_redirects=False)
        self.url, self.page = reply.url, reply
        return self

    def title(self):
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.page.text, re.S)
        return re.sub(r"<[^>]+>", "", unescape(found.group(1))).strip() if found else ""

    def sign_in(self, person):
        return self.submit(username=person["login"], password=person["password"])
