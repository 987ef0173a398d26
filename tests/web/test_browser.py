"""The pages in a real browser, over a real server: scripts run, charts are drawn, pages stay true."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from archsmith.web.serve import server_for
from tests.web.world import LEASE, NOW, SCRIPT, SPEC, TRIALS, World, fill_goals

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
PATIENCE = 15_000
"""How long (ms) something on a page may take; a shared machine is slow at times."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium in PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def served(world: World, token: str | None = None) -> Iterator[str]:
    """The address of a dashboard over the world's store, on a free port of this machine."""
    server = server_for(world.url, "127.0.0.1", 0, token, clock=world.clock)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def site(filled: World) -> Iterator[str]:
    with served(filled) as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; at the test's end its console must be without errors."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else errors.append(request.url))
    yield page
    assert errors == []


PATHS = (
    "/",
    "/studies",
    "/studies/1",
    "/studies/4",
    "/studies/4/trials/7",
    "/studies/4/trials/20",
    "/campaigns",
    "/campaigns/1",
    "/findings",
    "/findings/1",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_without_an_error(scheme: str, site: str, page: Page) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    for path in PATHS:
        page.goto(site + path)
        expect(page.locator("h1")).to_be_visible()
        for chart in page.locator("[data-chart]").all():
            expect(chart.locator("svg.main-svg").first).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(width: int, site: str, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 800})

    for path in PATHS:
        page.goto(site + path)
        assert (path, page.evaluate("document.documentElement.scrollWidth")) <= (path, width)


def test_the_curve_has_points_a_line_and_failures(site: str, page: Page) -> None:
    page.goto(f"{site}/studies/4")
    traces = page.locator("#curve .scatterlayer .trace")

    expect(traces).to_have_count(3, timeout=PATIENCE)
    expect(page.locator("#curve .point")).to_have_count(57 + 6)
    expect(page.locator("#curve .legendtext")).to_have_text(["best so far", "val_accuracy", "failed"])


def test_the_front_is_drawn_among_the_other_trials(world: World, page: Page) -> None:
    study = fill_goals(world)
    with served(world) as site:
        page.goto(f"{site}/studies/{study}")

        expect(page.locator("#values .legendtext")).to_have_text(["trials", "front", "breaks constraints"])
        expect(page.locator("#values .point")).to_have_count(1 + 2 + 1)
        expect(page.locator("#values .ytitle")).to_have_text("macs")


def test_a_click_on_a_point_leads_to_its_trial(site: str, page: Page) -> None:
    page.goto(f"{site}/studies/4")
    last = page.locator("#curve .scatterlayer .trace").last.locator(".point").last
    last.wait_for()
    box = last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#curve .hoverlayer .hovertext").first.wait_for()
    page.mouse.down()
    page.mouse.up()

    expect(page).to_have_url(f"{site}/studies/4/trials/26")


def test_the_epochs_are_drawn(site: str, page: Page) -> None:
    page.goto(f"{site}/studies/4/trials/7")
    names = page.locator("[data-chart=epochs] .legendtext")

    expect(names).to_have_text(["train_loss", "val_loss", "val_accuracy"], timeout=PATIENCE)


def test_filters_and_pages_of_trials_are_links(site: str, page: Page) -> None:
    page.goto(f"{site}/studies/4")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#trials tbody tr")).to_have_count(TRIALS - 50)
    page.get_by_role("link", name="raised 2").click()
    expect(page.locator("#trials tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"state=raised"))
    page.go_back()

    expect(page.locator("#trials tbody tr")).to_have_count(TRIALS - 50)


def test_findings_are_filtered_by_a_form(site: str, page: Page) -> None:
    page.goto(f"{site}/findings")
    page.get_by_label("Kind").select_option("crash")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"kind=crash"))
    page.get_by_role("link", name="Clear").click()

    expect(page.locator("tbody tr")).to_have_count(9)


def test_scripts_and_commands_can_be_copied(site: str, context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/findings/1")
    page.locator("[data-copy-from=script]").click()
    expect(page.locator("[data-copy-from=script]")).to_have_text("Copied")
    script = page.evaluate("navigator.clipboard.readText()")
    page.locator(".command .copy").click()
    expect(page.locator(".command .copy")).to_have_text("Copied")

    assert script == SCRIPT
    assert page.evaluate("navigator.clipboard.readText()") == "archsmith fuzz replay 1"


def test_copying_works_without_the_clipboards_permission(site: str, context: BrowserContext, page: Page) -> None:
    page.add_init_script("delete Navigator.prototype.clipboard")
    page.goto(f"{site}/findings/1")
    page.locator(".command .copy").click()

    expect(page.locator(".command .copy")).to_have_text("Copied")


def test_a_picture_can_be_seen_whole(site: str, page: Page) -> None:
    page.goto(f"{site}/studies/4/trials/5")
    picture = page.locator(".picture")
    before = picture.evaluate("box => box.scrollHeight > box.clientHeight")
    page.get_by_role("button", name="Show whole").click()

    assert before
    assert not picture.evaluate("box => box.scrollHeight > box.clientHeight")
    expect(page.get_by_role("button", name="Show whole")).to_have_attribute("aria-pressed", "true")


def test_a_wide_space_scrolls_within_its_box_on_a_phone(world: World, page: Page) -> None:
    wide = "conv2d(out=choose(8, 16, 32), kernel=choose(3, 5, 7), padding='same', groups=choose(1, 2, 4), bias=False)"
    with world.store.begin() as tx:
        spec = replace(SPEC, space_text=f"input float32[1, 3, 8, 8]\nchain\n  {wide}\n  any_of\n    deep: {wide}")
        study = tx.studies.create(spec, None, "host:1", NOW, LEASE)
    page.set_viewport_size({"width": 390, "height": 800})
    with served(world) as site:
        page.goto(f"{site}/studies/{study.id}")
        box = page.get_by_role("region", name="Search space, scrollable")
        before = box.evaluate("box => box.scrollWidth > box.clientWidth")
        page.get_by_role("button", name="Show whole").click()

        assert before
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not box.evaluate("box => box.scrollWidth > box.clientWidth")


def test_the_keyboard_reaches_everything(site: str, page: Page) -> None:
    page.goto(f"{site}/studies")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{site}/studies/4")


def test_a_running_study_shows_a_new_trial_by_itself(world: World, page: Page) -> None:
    with served(world) as site:
        page.goto(f"{site}/studies/4")
        expect(page.locator("#curve .point")).to_have_count(57 + 6, timeout=PATIENCE)
        page.evaluate("window.notReloaded = true")
        page.locator("#best-card summary").click()
        page.locator("#trials a.name").nth(3).focus()
        world.end_trial(TRIALS - 1, 0.99)

        expect(page.locator("#trials tbody tr").first).to_contain_text(f"{TRIALS}", timeout=PATIENCE)
        expect(page.locator("#head")).to_contain_text("0.9900")
        expect(page.locator("#curve .point")).to_have_count(58 + 6, timeout=PATIENCE)
        expect(page.locator("#trials a.name").nth(3)).to_be_focused()
        expect(page.locator("#best-card details")).to_have_attribute("open", "")
        assert page.evaluate("window.notReloaded")


def test_a_page_says_when_it_has_lost_the_server_and_when_it_is_back(world: World, context: BrowserContext) -> None:
    with served(world) as site:
        page = context.new_page()
        page.goto(f"{site}/studies/4")
        sign = page.locator("#live")
        expect(sign).to_have_text("live")
        context.set_offline(True)
        expect(sign).to_have_text("connection lost", timeout=PATIENCE)
        context.set_offline(False)

        expect(sign).to_have_text("live", timeout=PATIENCE)


def test_a_token_opens_the_whole_dashboard(filled: World, context: BrowserContext) -> None:
    with served(filled, token="open sesame") as site:
        page = context.new_page()
        page.goto(f"{site}/studies/4")
        expect(page.locator("h1")).to_have_text("Locked")
        page.goto(f"{site}/studies/4?token=open+sesame")
        expect(page).to_have_url(f"{site}/studies/4")

        expect(page.locator("#curve svg.main-svg").first).to_be_visible(timeout=PATIENCE)
