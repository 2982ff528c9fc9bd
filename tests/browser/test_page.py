"""The committed report as a person opens it: from the disk, on a telephone too, without JavaScript too."""

import shutil
from collections.abc import Iterator

import pytest

from temporary import REPOSITORY

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
PAGE = REPOSITORY / "reports" / "demo" / "index.html"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

PAPER = {
    "VGG13+VGG16+VGG19+SVM": "52.40", "VGG-16": "54.92", "ResNET-50": "64.28", "VGG-16+DCGAN": "66.37",
    "VGG-16+WGAN": "64.61", "ResNET-50+DCGAN": "71.75", "ResNET-50+WGAN": "69.16",
}  # fmt: skip
"""The paper's Table 1: model to accuracy in per cent."""

if CHROMIUM is None:
    pytest.skip("chromium isn't installed", allow_module_level=True)

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Opened:
    """A page, with everything that it asked for and complained about."""

    def __init__(self, browser: Browser, width: int, javascript: bool) -> None:
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=javascript)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(PAGE.as_uri(), wait_until="load")


@pytest.fixture(params=[(1280, True), (390, True), (390, False)], ids=["desktop", "telephone", "no-javascript"])
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Opened]:
    opened = Opened(browser, *request.param)
    yield opened
    opened.page.context.close()


def test_it_opens_without_complaint_and_asks_nobody_outside(opened: Opened) -> None:
    assert opened.complaints == []
    assert opened.requests[0] == PAGE.as_uri()
    assert all(url.startswith(("file://", "data:")) for url in opened.requests)


def test_it_has_a_title_and_one_heading(opened: Opened) -> None:
    assert "ferlab" in opened.page.title().lower() or "expression" in opened.page.title().lower()
    assert opened.page.locator("h1").count() == 1
    assert opened.page.locator("h1").is_visible()
    assert opened.page.locator("html").get_attribute("lang") == "en"


def test_table_1_has_the_papers_seven_rows(opened: Opened) -> None:
    table = opened.page.locator("#table1 ~ table").first
    assert table.is_visible()
    text = table.inner_text()
    rows = [row.inner_text() for row in table.locator("tbody tr").all()]
    assert len(rows) == len(PAPER), text
    for row, (model, accuracy) in zip(rows, PAPER.items(), strict=True):
        assert row.startswith(model), row
        assert accuracy in row
    assert "not run: no ImageNet weights" in text


def test_a_number_opens_its_provenance(opened: Opened) -> None:
    """Without JavaScript too."""
    cell = opened.page.locator("#table1 ~ table details").first
    origin = cell.locator(".origin")
    assert not origin.is_visible()
    cell.locator("summary").click()
    assert origin.is_visible()
    assert "commit" in origin.inner_text()


def test_every_picture_is_there_and_described(opened: Opened) -> None:
    pictures = opened.page.locator("img").all()
    assert len(pictures) >= 4
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        alt = picture.get_attribute("alt")
        assert alt
        assert len(alt) > 15, alt
        box = picture.bounding_box()
        assert box
        assert box["width"] > 50
        assert box["height"] > 50


def test_every_picture_could_be_decoded(browser: Browser) -> None:
    opened = Opened(browser, 1280, True)
    widths = opened.page.evaluate(
        "Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth, () => 0)))"
    )
    assert widths
    assert min(widths) > 100
    opened.page.context.close()


def test_nothing_overflows_on_a_telephone(browser: Browser) -> None:
    opened = Opened(browser, 390, True)
    wide = opened.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    opened.page.context.close()


def test_it_can_be_read_without_javascript(browser: Browser) -> None:
    with_it, without = Opened(browser, 1280, True), Opened(browser, 1280, False)
    assert without.page.locator("body").inner_text() == with_it.page.locator("body").inner_text()
    assert len(without.page.locator("body").inner_text()) > 1000
    for opened in (with_it, without):
        opened.page.context.close()


def test_links_inside_the_page_lead_somewhere(browser: Browser) -> None:
    opened = Opened(browser, 1280, True)
    for link in opened.page.locator("a[href^='#']").all():
        name = link.get_attribute("href")
        assert name
        assert opened.page.locator(f"[id='{name[1:]}']").count() == 1, name
    for link in opened.page.locator("a:not([href^='#']):not([href^='http'])").all():
        name = link.get_attribute("href")
        assert name
        assert (PAGE.parent / name).exists(), name
    opened.page.context.close()
