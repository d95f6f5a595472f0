"""Debian's Chromium, headless, driven by Selenium."""

import os
import shutil
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from providers.control import PASSWORD
from support.server import PATIENCE


class Browser:
    """One running browser. Every test begins without cookies."""

    def __init__(self, profile: Path):
        # Never looks for drivers or browsers on the network.
        os.environ.setdefault("SE_OFFLINE", "true")
        os.environ.setdefault("SE_AVOID_STATS", "true")
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        assert chromium and driver, "no Chromium: sh Scripts/bootstrap.sh test installs chromium and chromium-driver"
        options = ChromeOptions()
        options.binary_location = chromium
        options.accept_insecure_certs = True
        for argument in (
            "--headless=new",
            # Root, in a container: the pages are our own and our providers'.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=900,700",
            # This machine, and nothing else in the world.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options=options, service=Service(executable_path=driver))
        self.driver.set_page_load_timeout(PATIENCE)

    def quit(self) -> None:
        self.driver.quit()

    def forget(self) -> None:
        """As a browser that was never here."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.get_log("browser")

    @property
    def url(self) -> str:
        return self.driver.current_url

    @property
    def text(self) -> str:
        """What the page shows."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def open(self, url: str) -> None:
        self.driver.get(url)

    def sign_in(self, name: str) -> None:
        """Fills in the provider's own form."""
        self._wait_for(By.NAME, "username")
        self.driver.find_element(By.NAME, "username").send_keys(name)
        self.driver.find_element(By.NAME, "password").send_keys(PASSWORD)
        self._click(By.NAME, "sign-in")

    def consent(self, allow: bool = True) -> None:
        """Answers the provider's question."""
        self._wait_for(By.NAME, "allow")
        if allow:
            self._click(By.NAME, "allow")
        else:
            self._click(By.XPATH, "//form//*[(self::button or @type='submit') and not(@name='allow')]")

    def go_through(self, url: str, name: str = "alice", allow: bool = True) -> str:
        """Opens a link, signs in at the provider, allows or not, and returns the address at which that ends."""
        self.open(url)
        self.sign_in(name)
        self.consent(allow)
        return self.url

    def cookies(self) -> dict[str, dict[str, object]]:
        """All cookies of all sites, those that no script may see too."""
        found = self.driver.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
        return {cookie["name"]: cookie for cookie in found}

    def complaints(self) -> list[str]:
        """What the console says of our pages: blocked by their own policy, say. A missing icon is none."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
        ]

    def photograph(self, folder: Path) -> list[Path]:
        """A picture and the source of the page, for who looks into a failure."""
        picture, source = folder / "browser.png", folder / "browser.html"
        self.driver.save_screenshot(str(picture))
        source.write_text(f"<!-- {self.url} -->\n{self.driver.page_source}")
        return [picture, source]

    def _wait_for(self, by: str, value: str) -> None:
        waiting = WebDriverWait(self.driver, 20, poll_frequency=0.02)
        waiting.until(lambda driver: driver.find_elements(by, value), f"no {value} on {self.url}")

    def _click(self, by: str, value: str) -> None:
        """Clicks, and waits until another page is there whole."""
        self.driver.execute_script("window.leftBehind = true")
        self.driver.find_element(by, value).click()
        waiting = WebDriverWait(self.driver, 20, poll_frequency=0.02, ignored_exceptions=[WebDriverException])
        there = "return !window.leftBehind && document.readyState === 'complete'"
        waiting.until(lambda driver: driver.execute_script(there), f"clicked {value}, and {self.url} stayed")
