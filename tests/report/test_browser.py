"""The pages as a person uses them, in a real browser: nothing is asked for, and the console stays silent."""

import re
import shutil

import pytest

from rugged.report import compare_runs, write_comparison, write_report
from rugged.report.curves import draw_curves
from rugged.results import RunFolder

pytestmark = pytest.mark.browser

HOSTILE = (
    '</script><script>document.title = "broken"</script>"\'><img src="https://example.org/x" onerror="alert(1)">',
    "שלום עולם ‮ reversed",
    "a" * 300,
    "🦊 & <b>fox</b>",
    "=cmd()|'x'!A1",
)


@pytest.fixture(scope="module")
def report(pair, tmp_path_factory):
    return write_report(pair, tmp_path_factory.mktemp("page") / "report.html").as_uri()


@pytest.fixture
def hostile(make_run, tmp_path):
    """A report whose classes are named to do harm."""
    run = make_run(tmp_path / "run", name=HOSTILE[0], classes=[*HOSTILE, "cat", "dog"])
    return write_report([run], tmp_path / "report.html").as_uri()


def order(page, table, column):
    """Values of a column from above, None where there is none."""
    rows = page.locator(f"{table} tbody tr").all()
    cells = [row.locator("th, td").nth(column) for row in rows]
    return [cell.get_attribute("data-value") or cell.inner_text() for cell in cells]


def test_tables_sort_both_ways_and_say_so(open_in_browser, report):
    page = open_in_browser(report)
    means = list(map(float, order(page, "table.errors >> nth=0", 6)))
    head = page.locator("table.errors >> nth=0").locator("thead th").nth(6)
    head.locator("button").click()
    assert list(map(float, order(page, "table.errors >> nth=0", 6))) == sorted(means, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert list(map(float, order(page, "table.errors >> nth=0", 6))) == sorted(means)
    assert head.get_attribute("aria-sort") == "ascending"


def test_the_heat_map_sorts_by_name_and_by_a_corruption(open_in_browser, report):
    page = open_in_browser(report)
    heads = page.locator("#heat thead button")
    heads.nth(0).click()
    names = order(page, "#heat", 0)
    assert names == sorted(names)
    heads.nth(4).click()
    errors = list(map(int, order(page, "#heat", 4)))
    assert errors == sorted(errors, reverse=True)
    assert len(set(errors)) > 1


def test_pointing_at_the_heat_map_shows_figures_and_pictures(open_in_browser, report):
    page = open_in_browser(report)
    row = page.locator("#heat tbody tr").first
    name, label = row.locator("th").inner_text(), int(row.get_attribute("data-label"))
    cell = row.locator("td").nth(3)
    cell.hover()
    tip = page.locator("#tip")
    assert tip.is_visible()
    head = page.locator("#heat thead th").nth(4).inner_text().strip()
    text = tip.inner_text()
    assert text.startswith(name)
    assert f"Error, {head}" in text
    assert f"{cell.inner_text()}%" in text
    assert [f"severity {severity}" in text for severity in range(1, 6)] == [True] * 5
    page.wait_for_function("() => document.querySelector('#tip canvas').width == 16")
    page.wait_for_timeout(100)  # Until the sheet is decoded.
    shown = page.evaluate(
        "[...document.querySelectorAll('#tip canvas')].map("
        "(one) => [...one.getContext('2d').getImageData(8, 8, 1, 1).data].slice(0, 3))"
    )
    assert len(shown) == 2
    for red, green, blue in shown:  # A class's thumbnail is the redder the higher its label.
        assert abs(red - 20 * label) <= 6
        assert max(green, blue) <= 12
    page.mouse.move(2, 2)
    assert tip.is_hidden()


def test_the_heat_map_says_names_as_they_are_and_no_percent_of_nothing(open_in_browser, report):
    page = open_in_browser(report)
    place = page.locator("#heat thead th").all_inner_texts().index("JPEG compression")
    row, tip = page.locator("#heat tbody tr").first, page.locator("#tip")
    row.locator("td").nth(place - 1).hover()
    assert "Error, JPEG compression" in tip.inner_text()
    clean = row.locator("td").first
    clean.evaluate("(cell) => { cell.textContent = '–'; }")  # As of a class without pictures.
    clean.hover()
    assert "Error, clean" in tip.inner_text()
    assert "–" in tip.inner_text()
    assert "–%" not in tip.inner_text()


def test_the_heat_map_is_read_with_the_keyboard_alone(open_in_browser, report):
    page = open_in_browser(report)
    page.locator("#heat td[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    place = page.evaluate("[document.activeElement.cellIndex, document.activeElement.parentElement.sectionRowIndex]")
    assert place == [3, 1]
    name = page.locator("#heat tbody tr").nth(1).locator("th").inner_text()
    assert page.locator("#tip").inner_text().startswith(name)
    assert page.locator("#heat td[tabindex='0']").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # There is no row above the first.
    assert page.evaluate("document.activeElement.parentElement.sectionRowIndex") == 0


def test_the_explorer_shows_another_class_and_another_level(open_in_browser, report):
    page = open_in_browser(report)
    shown = lambda: page.locator("#explorer").inner_text()  # noqa: E731 - read again after each choice.
    first = shown()
    page.locator("#explorer label", has_text="Severity 5").click()
    worse = shown()
    assert worse != first
    assert "Of 120 answers" in worse  # 20 pictures of each class under six corruptions.
    page.locator("#explorer-class").select_option(label="moon")
    assert "pictures of moon" in shown()
    page.locator("#explorer label", has_text="top-5").click()
    assert "Above it in the five most probable" in shown()
    other = page.locator("#explorer [data-way=for] button").first
    name = other.inner_text()
    other.click()
    assert f"pictures of {name}" in shown()


def test_bars_of_the_explorer_have_one_scale_without_pictures_too(open_in_browser, make_run, tmp_path):
    run = make_run(tmp_path / "run", corruptions=("contrast",))
    shutil.rmtree(RunFolder(run).pictures)
    page = open_in_browser(write_report([run], tmp_path / "report.html").as_uri())
    bars = page.locator("#explorer [data-way=for] button").all()
    boxes = [bar.bounding_box() for bar in bars]
    assert len(boxes) > 1
    assert len({(round(box["x"]), round(box["width"])) for box in boxes}) == 1  # However long or short their names.


def test_counts_of_the_explorer_add_up(open_in_browser, report):
    """Ten classes: eight are listed at most, so right and listed wrong answers are all where so few are taken."""
    page = open_in_browser(report)
    page.locator("#explorer-class").select_option(label="ring")
    told = page.locator("#explorer-told").inner_text()
    total, right = map(int, re.findall(r"Of (\d+) answers.*?, (\d+) \(", told)[0])
    texts = page.locator("#explorer [data-way=for] .sure").all_inner_texts()
    assert total == 20
    assert right + sum(int(text.split(" ")[0]) for text in texts) == total


def test_samples_change_with_the_corruption_and_the_model(open_in_browser, report):
    page = open_in_browser(report)
    visible = lambda: page.evaluate(  # noqa: E731 - read again after each choice.
        "[...document.querySelectorAll('#samples tbody[data-corruption]')].filter((one) => !one.hidden)"
        ".map((one) => one.dataset.corruption)"
    )
    assert visible() == ["0"]
    page.locator("#pick-corruption label").nth(3).click()
    assert visible() == ["3"]
    page.locator("#pick-model label").nth(1).click()
    models = "[...document.querySelectorAll('#samples .answer')].filter((one) => !one.hidden)"
    assert set(page.evaluate(f"{models}.map((one) => one.dataset.model)")) == {"1"}


def test_samples_show_names_of_two_words_whole(open_in_browser, make_run, tmp_path):
    run = make_run(tmp_path / "run", classes=("golden retriever", "kästchen blau", "cat"))
    page = open_in_browser(write_report([run], tmp_path / "report.html").as_uri())
    cut = "one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1"
    names = "[...document.querySelectorAll('#samples .class')].filter((one) => one.clientWidth)"
    assert page.evaluate(f"{names}.length") > 16
    assert page.evaluate(f"{names}.filter((one) => {cut}).map((one) => one.innerText)") == []


def test_charts_are_read_with_the_keys(open_in_browser, report):
    page = open_in_browser(report)
    page.locator("svg.chart").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text().startswith("Gaussian noise, severity 1")


def test_the_theme_follows_the_system_until_it_is_chosen(open_in_browser, report):
    page = open_in_browser(report, color_scheme="dark")
    paper = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    dark, button = paper(), page.locator("#theme")
    assert dark == "rgb(21, 23, 26)"
    button.click()
    assert (button.inner_text(), paper()) == ("Theme: light", "rgb(253, 252, 250)")
    button.click()
    assert (button.inner_text(), paper()) == ("Theme: dark", dark)


def test_a_phone_scrolls_down_only_and_finds_its_way(open_in_browser, report):
    page = open_in_browser(report, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    nav = page.locator("#contents")
    assert nav.is_hidden()
    page.locator(".open").tap()
    assert nav.is_visible()
    nav.locator("a", has_text="Confusions").tap()
    assert nav.is_hidden()
    page.wait_for_function("() => Math.abs(document.querySelector('#confusions').getBoundingClientRect().top) < 200")
    page.wait_for_function("() => document.getElementById('here').textContent == 'Confusions'")
    page.locator("#heat td").nth(4).tap()
    assert page.locator("#tip").is_visible()


def test_no_table_scrolls_sideways_on_a_desktop(open_in_browser, report):
    page = open_in_browser(report, viewport={"width": 1280, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    wide = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth)"
    assert page.evaluate(f"{wide}.map(each => each.innerText.slice(0, 60))") == []


def test_every_section_can_be_reached(open_in_browser, report):
    page = open_in_browser(report)
    links = page.locator("#contents a").all()
    sections = page.locator("section[id]").all()
    assert sections
    assert [link.get_attribute("href") for link in links] == [f"#{one.get_attribute('id')}" for one in sections]
    for link in links:
        link.click()
        target = link.get_attribute("href")
        page.wait_for_function(
            "(id) => { const top = document.querySelector(id).getBoundingClientRect().top;"
            " return top < innerHeight && top > -5; }",
            arg=target,
        )


def test_paper_is_light_and_has_no_controls(open_in_browser, report):
    page = open_in_browser(report, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for control in (".side", "#explorer", "#pick-corruption", "summary"):
        assert page.locator(control).first.is_hidden()
    assert page.locator("#heat").is_visible()
    assert page.evaluate("(([tall]) => tall.scrollHeight <= tall.clientHeight + 2)(document.querySelectorAll('.tall'))")
    assert len(page.pdf(format="A4")) > 50_000


def test_without_scripts_the_page_can_be_read(open_in_browser, report):
    page = open_in_browser(report, java_script_enabled=False)
    assert page.locator("#heat td").first.is_visible()
    assert page.locator("#explorer").is_hidden()
    assert page.locator("#theme").is_hidden()
    assert "needs scripts" in page.locator("#confusions").inner_text()
    assert page.locator("#samples tbody[data-corruption]").nth(3).is_visible()
    page.locator("summary", has_text="All 10 classes").click()
    assert page.locator("table[aria-labelledby=every] tbody tr").count() == 10


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_names_do_nothing_and_break_nothing(open_in_browser, hostile, width):
    page = open_in_browser(hostile, viewport={"width": width, "height": 800})
    assert page.title() == f"{HOSTILE[0]} – robustness report"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.images.length") == page.locator("img[src^='data:image/']").count()
    for name in HOSTILE:
        page.locator("#explorer-class").select_option(label=" ".join(name.split()))
        assert page.evaluate("document.querySelector('#explorer-class').selectedOptions[0].textContent") == name
    row = page.locator("#heat tbody tr", has_text="aaaa")
    row.locator("td").nth(4).hover()
    box = page.locator("#tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert row.bounding_box()["height"] < 40


def test_learning_curves_are_read_off_with_the_keys(open_in_browser, make_run, tmp_path):
    page = open_in_browser(draw_curves(RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))).as_uri())
    page.locator("svg.chart").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    # 2.3 × 0.83³ and 2.3 × 0.8³ nats after the third epoch.
    words = page.locator("#tip").inner_text().split()
    assert words == ["Loss,", "nats,", "epoch", "3", "development", "1.32", "training", "1.18"]


def test_a_comparison_opens_in_silence(open_in_browser, pair, tmp_path):
    page = open_in_browser(
        write_comparison(compare_runs(pair), tmp_path / "c.html").as_uri(), viewport={"width": 360, "height": 740}
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator(".open").click()
    page.locator("#contents a", has_text="Errors").click()
    assert page.locator("#contents").is_hidden()


def test_the_fixture_sees_requests_and_errors(open_in_browser, tmp_path):
    """What every other test here rests on."""
    bad = tmp_path / "bad.html"
    bad.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.warn("w"); throw new Error("e")</script>')
    open_in_browser(bad.as_uri())
    found = "\n".join(open_in_browser.complaints)
    open_in_browser.complaints.clear()
    for word in ("asked for http://127.0.0.1:9/x.png", "console: w", "raised e"):
        assert word in found
