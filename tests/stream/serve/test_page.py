"""The page in a real Chromium: people and ids are seen, numbers move, nothing is complained of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from steadypose.stream.sinks.drawing import track_colour
from tests.stream.serve.live import Served, Street, served
from tests.stream.stand_ins import SceneSource, walk

TOKEN = "correct-horse-battery-staple"  # noqa: S105
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
COLOURED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = {};
  for (let i = 0; i < data.length; i += 4) {
    const high = Math.max(data[i], data[i + 1], data[i + 2]);
    const low = Math.min(data[i], data[i + 1], data[i + 2]);
    if (high - low < 100) continue;
    const key = [data[i], data[i + 1], data[i + 2]].join();
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Page:
    """An open page, and what it complained of."""

    def __init__(self, browser: Any, live: Served, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.complaints: list[str] = []
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda m: self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))
        self.page.goto(live.url(f"/?token={TOKEN}"))

    def card(self, name: str) -> str:
        return f"article[data-camera={name}]"

    def wait(self, expression: str) -> None:
        self.page.wait_for_function(f"() => {expression}")

    def wait_for_text(self, selector: str, text: str) -> None:
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.textContent === text",
            arg=[selector, text],
        )

    def colours(self, name: str) -> dict[str, int]:
        canvas = self.page.query_selector(f"{self.card(name)} canvas")
        found: dict[str, int] = canvas.evaluate(COLOURED)
        return found

    def close(self) -> list[str]:
        self.page.close()
        return self.complaints


def css(track_id: int) -> str:
    blue, green, red = track_colour(track_id)
    return f"{red},{green},{blue}"


def test_people_and_ids_are_seen_and_a_camera_may_go_and_come_back(browser: Any) -> None:
    camera = Street("door", people=2)
    with served(camera, Street("yard", people=1), token=TOKEN) as live:
        page = Page(browser, live)
        assert page.page.url == live.url("/")
        for name, ids in (("door", ["1", "2"]), ("yard", ["1"])):
            page.page.wait_for_selector(f"{page.card(name)} .people li:not(.nobody)")
            found = page.page.eval_on_selector_all(
                f"{page.card(name)} .people li", "all => all.map(one => one.textContent)"
            )
            assert sorted(found) == ids
            colours = page.colours(name)
            for track_id in ids:
                assert colours[css(int(track_id))] > 40  # label, limbs and joints
        page.wait_for_text(f"{page.card('door')} .badge", "live")
        page.wait_for_text("#line", "connected")
        _figures_move(page)

        camera.connected.clear()
        page.wait_for_text(f"{page.card('door')} .badge", "waiting")
        page.wait("document.querySelector('article[data-camera=door] .screen.old')")
        notice = page.page.text_content(f"{page.card('door')} .notice")
        assert notice == "waiting: no answer"
        camera.connected.set()
        page.wait_for_text(f"{page.card('door')} .badge", "live")
        page.wait("!document.querySelector('article[data-camera=door] .screen.old')")
        page.wait_for_text(f"{page.card('door')} .people li", "3")  # nobody is carried over
        assert page.close() == []


def _figures_move(page: Page) -> None:
    data = f"{page.card('door')} .figures dd"
    before = page.page.eval_on_selector_all(data, "all => all.map(one => one.textContent)")
    assert len(before) == 6
    page.page.wait_for_function(
        "([selector, before]) => {"
        " const now = [...document.querySelectorAll(selector)].map(one => one.textContent);"
        " return now.some((text, n) => text !== before[n]); }",
        arg=[data, before],
    )
    page.wait("/^\\d+ ms/.test(document.querySelectorAll('.figures dd')[1].textContent)")
    page.wait("/estimate/.test(document.querySelector('.stages p').textContent)")


def test_a_camera_is_stopped_and_started_by_keyboard(browser: Any) -> None:
    with served(more={"door": lambda: Street("door")}, token=TOKEN) as live:
        page = Page(browser, live)
        button = f"{page.card('door')} .switch"
        page.wait_for_text(button, "Stop")
        page.page.focus(button)
        page.page.keyboard.press("Enter")
        page.wait_for_text(button, "Start")
        page.wait_for_text(f"{page.card('door')} .notice", "stopped")
        assert not live.group.cameras["door"].wanted
        page.page.keyboard.press("Enter")
        page.wait_for_text(f"{page.card('door')} .badge", "live")
        page.wait_for_text(button, "Stop")
        assert page.close() == []


def test_a_camera_that_failed_says_why_and_can_be_started_again(browser: Any) -> None:
    broken = [True]

    def opener() -> SceneSource:
        fails_after = 5 if broken else None
        return SceneSource(
            walk(5000, speed=0.01), live=True, period_s=0.02, fails_after=fails_after
        )

    with served(more={"door": opener}, token=TOKEN) as live:
        page = Page(browser, live)
        page.wait_for_text(f"{page.card('door')} .badge", "failed")
        page.wait_for_text(f"{page.card('door')} .notice", "failed: scenes: ended after frame 5")
        broken.clear()
        page.page.click(f"{page.card('door')} .switch")
        page.wait_for_text(f"{page.card('door')} .badge", "live")
        assert page.close() == []


def test_light_and_dark_and_a_phone(browser: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with served(Street("door"), Street("yard"), token=TOKEN) as live:
        phone = {"width": 360, "height": 740}
        page = Page(browser, live, color_scheme="dark", viewport=phone)
        page.page.wait_for_selector(f"{page.card('yard')} .people li:not(.nobody)")
        dark = page.page.evaluate(ground)
        width = page.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        page.page.click("#theme")
        page.wait_for_text("#theme", "Theme: light")
        assert page.page.evaluate(ground) != dark
        page.page.reload()
        page.wait_for_text("#theme", "Theme: light")  # it is remembered
        page.page.click("#theme")
        page.wait_for_text("#theme", "Theme: dark")
        assert page.page.evaluate(ground) == dark
        assert page.close() == []


def test_the_page_comes_back_after_the_server_does(browser: Any) -> None:
    with served(Street("door"), token=TOKEN) as live:
        page = Page(browser, live)
        page.wait_for_text("#line", "connected")
        port = live.port
    page.wait_for_text("#line", "reconnecting")
    with served(Street("door"), token=TOKEN, port=port) as live:
        page.wait_for_text("#line", "connected")
        page.wait_for_text(f"{page.card('door')} .badge", "live")
    page.close()
